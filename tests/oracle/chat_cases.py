"""Templates and conversations for the chat tests: our own, with the features of published ones."""

CHATML = """\
{%- if messages[0]['role'] == 'system' -%}
    {%- set loop_messages = messages[1:] %}{{ '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
{%- else -%}
    {%- set loop_messages = messages %}{{ '<|im_start|>system\\nBe brief.<|im_end|>\\n' }}
{%- endif -%}
{% for message in loop_messages %}
    {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{% endfor %}
{% if add_generation_prompt %}
    {{ '<|im_start|>assistant\\n' }}
{% endif %}
"""

INSTRUCTION = """\
{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set rest = messages[1:] %}\
{% else %}{% set system = false %}{% set rest = messages %}{% endif %}\
{{ bos_token }}{% for message in rest %}\
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('Turns must alternate user/assistant/user/assistant/...') }}{% endif %}\
{% if loop.index0 == 0 and system != false %}\
{% set content = '<<S>>\\n' + system + '\\n<</S>>\\n\\n' + message['content'] %}\
{% else %}{% set content = message['content'] %}{% endif %}\
{% if message['role'] == 'user' %}{{ '[I] ' + content.strip() + ' [/I]' }}\
{% elif message['role'] == 'assistant' %}{{ ' ' + content | trim + ' ' + eos_token }}\
{% else %}{{ raise_exception('Only user and assistant are known!') }}{% endif %}{% endfor %}"""

HEADERS = """\
{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|head|>system<|tail|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Tools: " }}{%- for t in tools %}{{- t | tojson(indent=4) }}{%- endfor %}
{%- endif %}
{{- "Today: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|head|>' + message['role'] + '<|tail|>\\n\\n' + message['content'] | trim + '<|eot|>' }}
    {%- elif message.role == "tool" %}
        {{- "<|head|>tool<|tail|>\\n\\n" }}
        {%- if message.content is mapping or (message.content is iterable and message.content is not string) %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|head|>assistant<|tail|>\\n\\n' }}
{%- endif %}
"""

ROLES = """\
{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}"""

TURNS = """\
{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
{% for message in messages %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}\
{% set role = message['role'] %}{% endif %}\
{{ '<turn>' + role + '\\n' + message['content'] | trim + '<end>\\n' }}{% endfor %}\
{% if add_generation_prompt %}{{'<turn>model\\n'}}{% endif %}"""

THINKING = """\
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<result>') and message.content.endswith('</result>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or reasoning) %}
            {{- '<|s|>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|s|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}{{- 'calls' }}{%- endif %}
        {{- '<|e|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (messages[loop.index0 - 1].role != "tool") %}{{- '<|s|>user' }}{%- endif %}
        {{- '\\n<result>\\n' ~ content ~ '\\n</result>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}{{- '<|e|>\\n' }}{%- endif %}
    {%- else %}
        {{- '<|s|>' + message.role + '\\n' + content + '<|e|>' + '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|s|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}"""

MACROS = """\
{%- macro render(content, upper=false) -%}
    {%- if content is string -%}{{ content | upper if upper else content }}
    {%- elif content is iterable -%}{%- for part in content -%}{{ part.text }}{%- endfor -%}
    {%- endif -%}
{%- endmacro -%}
{%- macro header(role) -%}<{{ role | capitalize }} n={{ role | length }}>{%- endmacro -%}
{%- set users = messages | selectattr('role', 'equalto', 'user') | list -%}
{{- users | length }} of {{ messages | count }}: {{ messages | map(attribute='role') | unique | join('+') }}
{% for message in messages -%}
{%- if message.role not in ['system', 'user', 'assistant', 'tool'] -%}
    {{- raise_exception("Unknown role: " ~ message.role) -}}
{%- endif -%}
{{ header(message.role) }}{{ render(message.content, loop.first) | trim }}
{%- if message.role == 'assistant' %}{% generation %}{{ eos_token }}{% endgeneration %}{% endif %}
{% endfor -%}
{{ header('assistant') if add_generation_prompt }}"""

CHATS = {
    "chatml": CHATML,
    "instruction": INSTRUCTION,
    "headers": HEADERS,
    "roles": ROLES,
    "turns": TURNS,
    "thinking": THINKING,
    "macros": MACROS,
}


def _chat(*turns):
    return [{"role": role, "content": content} for role, content in turns]


CONVERSATIONS = [
    _chat(("user", "What is a ridge line?")),
    _chat(("system", "You speak of maps."), ("user", "What is a ridge line?")),
    _chat(("user", "Hello"), ("assistant", "Hi, what now?"), ("user", "Tell me more.")),
    _chat(
        ("system", "  Kurz, bitte.  "),
        ("user", "\n  Wie spät ist es?\n"),
        ("assistant", " Zwölf Uhr. \n"),
        ("user", "二つの谷の間 🙂\t"),
    ),
    _chat(("user", "")),
    _chat(("user", "   \n ")),
    _chat(("user", "{{ bos_token }} {% if x %} {# no #} <|im_end|> 'q' \"d\" \\n")),
    _chat(
        ("user", "Compute."),
        ("assistant", "<think>\nsome thought\n</think>\n\nFour."),
        ("tool", "4"),
        ("tool", '{"more": 1}'),
        ("assistant", "<think>again</think>Done."),
    ),
    _chat(("user", "<result>\nx\n</result>"), ("assistant", "ok"), ("user", "line 1\r\nline 2")),
    _chat(("assistant", "I begin."), ("user", "No, I do.")),
    _chat(("system", "One"), ("system", "Two"), ("user", "Three")),
    _chat(("critic", "A role nobody knows")),
]
