"""Expressions, statements and mistakes of the template language, for the chat tests."""

VARIABLES = {
    "text": "  Ridge Line, two valleys.\n",
    "empty": "",
    "unicode": "Zwölf Äpfel — 二つの谷 🙂 ΟΔΟΣ ǆ ßtraße",
    "lines": "one\ntwo\r\n\nfour\n",
    "html": "<b a=\"1\">'&'</b>",
    "zero": 0,
    "three": 3,
    "minus": -7,
    "pi": 3.14159,
    "tiny": 1.5e-7,
    "huge": 1e22,
    "yes": True,
    "no": False,
    "nothing": None,
    "numbers": [3, 1, 2, 3],
    "words": ["beta", "Alpha", "gamma", "alpha"],
    "nested": [[1, "a"], [2, "b"]],
    "mixed": [1, "1", 1.0, True, None],
    "person": {"name": "Ada", "age": 36, "tags": ["x", "y"], "items": "shadow", "a b": 1},
    "people": [
        {"name": "Bo", "age": 5, "ok": True, "home": {"town": "Aix"}},
        {"name": "al", "age": 50, "ok": False, "home": {"town": "Bern"}},
        {"name": "Cy", "age": 7, "home": {"town": "aix"}},
    ],
    "tool": {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Says \"what\" the\tweather is",
            "parameters": {
                "type": "object",
                "properties": {
                    "town": {"type": "string", "enum": ["Aix", "Zürich"]},
                    "days": {"type": ["integer", "null"], "default": None},
                    "exact": {"type": "boolean", "default": False},
                    "scale": {"type": "number", "default": 0.5},
                },
                "required": ["town"],
            },
        },
    },
    "empties": {"list": [], "dict": {}, "nested": [[], {}]},
}

# Each is the inside of {{ }}; both sides must give the same text, or both an error.
EXPRESSIONS = """
text | trim
text.strip() ~ '|' ~ text.lstrip() ~ '|' ~ text.rstrip() ~ '|'
text.strip().split()
text.split(' ')
text.split(' ', 1)
text.split(maxsplit=1)
text.rsplit(' ', 1)
text.rsplit(None, 2)
'a,b,,c'.split(',')
'aaa'.split('aa')
'aaa'.rsplit('aa')
'abc'.split('')
''.split()
''.split(',')
lines.splitlines()
lines.splitlines(true)
lines.split('\\n')
'<think>why</think>\\n answer'.split('</think>')[-1].lstrip('\\n')
'<think>why</think>'.split('</think>')[0].split('<think>')[-1].strip()
'xxabcxx'.strip('x')
'xyabcyx'.strip('xy')
'xyabcyx'.lstrip('yx') ~ 'xyabcyx'.rstrip('yx')
text.startswith('  R') and text.endswith('\\n')
text.startswith(('a', '  R'))
text.startswith('Ridge', 2)
text.endswith(1)
text.find('e') ~ text.rfind('e') ~ text.find('zz') ~ text.find('')
unicode.find('二') ~ ' ' ~ unicode.rfind('s') ~ ' ' ~ unicode.index('🙂')
text.find('R', 3) ~ text.find('R', 0, 2) ~ text.find('', 99)
text.index('nowhere')
text.count('l') ~ text.count('') ~ 'aaaa'.count('aa')
text.replace('l', 'LL') ~ text.replace('l', 'LL', 1) ~ 'ab'.replace('', '-')
text | replace('l', 'LL') | replace('v', '', 1)
three | replace(3, 4)
unicode.upper()
unicode.lower()
unicode.title()
unicode.capitalize()
unicode.swapcase()
unicode | upper
unicode | lower
unicode | title
unicode | capitalize
"don't (stop) [now] a-b {c} <d>" | title
"don't (stop) [now] a-b {c} <d>".title()
'ὈΔΥΣΣΕΎΣ ΣΑΣ'.lower() ~ 'Σ'.lower() ~ 'aΣ.'.lower() ~ 'aΣ.b'.lower()
'ŉ ﬁ ǰ ᾳ ß'.upper() ~ 'ŉ ﬁ ǰ ᾳ ß'.title()
'İ'.lower() | length
unicode | length
unicode[0] ~ unicode[-1] ~ unicode[2:9] ~ unicode[::-1]
unicode[::2] ~ unicode[10:2:-3] ~ unicode[-4:] ~ unicode[:-4]
unicode[99] ~ unicode[5:2] ~ unicode[99:] ~ unicode[:99]
text[:: 0]
unicode | first ~ unicode | last
unicode | reverse
unicode | list
'%s and %d' % ('a', 3)
'%s' % 'x' ~ '%5.2f|%-5s|%05d|%+d|%x|%r|%%' % (3.14159, 'ab', 42, 7, 255, 'q')
'%(a)s-%(b)03d' % {'a': 1, 'b': 2}
'%s' % (1, 2)
'%d' % 'x'
'%s %s' % 'x'
'%e %g %.3s %c %o %#x %i' % (12345.678, 0.0001, 'abcdef', 'z', 8, 255, 3.9)
'%s, %s!' | format('Hello', 'you')
'%(x)s' | format(x=3)
'{} {} {{}} {0}'.format(1, 2)
'{} {} {{}}'.format(1, 'b')
'{} {0}'.format(1, 2)
'{1}{0}{name}{x!r}'.format('a', 'b', name='c', x='q')
'{}'.format()
'-'.join(words)
'-'.join([1, 2])
words | join(', ')
numbers | join
people | join(', ', attribute='name')
people | map(attribute='name') | join(' ')
people | map(attribute='home.town') | map('upper') | join(' ')
people | map(attribute='ok', default='?') | list
words | map('replace', 'a', 'o') | list
words | map('length') | list
words | map('nosuchfilter') | list
numbers | select('odd') | list
numbers | select('greaterthan', 1) | list
numbers | select('in', [1, 2]) | list
numbers | reject('equalto', 3) | list
mixed | select | list
mixed | select('string') | list
people | selectattr('ok') | map(attribute='name') | list
people | selectattr('ok', 'defined') | map(attribute='name') | list
people | selectattr('name', 'equalto', 'al') | list
people | selectattr('age', '>', 6) | map(attribute='age') | list
people | rejectattr('ok') | map(attribute='name') | list
people | rejectattr('home.town', 'eq', 'Aix') | map(attribute='name') | list
people | rejectattr('name', 'in', ['Bo', 'Cy']) | list | length
people | map(attribute='age') | sum
people | sum('age') ~ numbers | sum(start=10)
people | sort(attribute='name') | map(attribute='name') | list
people | sort(attribute='home.town,age') | map(attribute='age') | list
people | sort(attribute='age', reverse=true) | map(attribute='age') | list
numbers | sort ~ numbers | sort(reverse=true)
words | sort ~ words | sort(case_sensitive=true)
mixed | sort
[none, none] | sort
nested | sort(reverse=true)
words | unique | list
words | unique(case_sensitive=true) | list
numbers | unique | list ~ mixed | unique | list
numbers | min ~ numbers | max
words | min ~ words | max
people | max(attribute='age')
[] | max
numbers | first ~ numbers | last
[] | first
[] | last is defined
numbers | reverse | list
numbers[::-1] ~ numbers[1:] ~ numbers[:-1] ~ numbers[-1] ~ numbers[9]
numbers | length ~ numbers | count ~ person | length ~ text | length
none | length
5 | length
(numbers | select('odd')) | length
numbers | batch(2) | list
numbers | batch(3, 'x') | list
person | dictsort
person | dictsort(false, 'value')
{'b': 1, 'A': 2, 'c': 0} | dictsort
{'b': 1, 'A': 2, 'c': 0} | dictsort(true)
{'b': 1, 'A': 2, 'c': 0} | dictsort(by='value', reverse=true)
person | items | list
nosuch | items | list
text | items | list
person['items'] ~ person.name ~ person['a b'] ~ person.nosuch
person.items() | list ~ person.keys() | list ~ person.values() | list
person.items()
person.keys()
person.keys()[0]
person.keys() | first ~ person.values() | last ~ person.items() | length
person.get('name') ~ person.get('q') ~ person.get('q', 'fallback')
person | first
person | list
'name' in person and 'Ada' not in person
'id' in text
'' in text
3 in text
3 in numbers and '3' not in numbers
true in numbers
'x' in nosuch
'x' in none
person | tojson
tool | tojson
tool | tojson(indent=4)
tool | tojson(indent=0)
tool | tojson(indent='--')
tool | tojson(separators=(',', ':'))
tool | tojson(sort_keys=true)
tool | tojson(ensure_ascii=true)
tool | tojson(indent=2, sort_keys=true)
empties | tojson ~ empties | tojson(indent=2)
unicode | tojson ~ unicode | tojson(ensure_ascii=true)
html | tojson
[1, 2.5, none, true, 'a\\\\"\\n\\x07'] | tojson
(1, 2) | tojson ~ {1: 2, none: 3, true: 4, 1.5: 6} | tojson
[1e22, 1e16, 1e15, 0.1, -0.0, 1.5e-7, 123456789012345680.0] | tojson
nosuch | tojson
numbers | select | tojson
text | indent ~ lines | indent(2) ~ lines | indent(2, true) ~ lines | indent(2, true, true)
lines | indent('> ') ~ lines | indent(width=1, blank=true)
empty | indent ~ nosuch | default('x') | indent
3 | indent
nosuch
nosuch | default('x') ~ nosuch | d('y') ~ empty | default('z') ~ empty | default('z', true)
nothing | default('x') ~ '|' ~ nothing | default('x', boolean=true)
nosuch | default
nosuch.attribute
nosuch['item']
nosuch[1:]
nosuch()
nosuch + 1
1 + nosuch
nosuch ~ 'x' ~ nosuch
nosuch < 1
nosuch == nosuch
nosuch == none
nosuch != 1
-nosuch
not nosuch
nosuch | length ~ nosuch | list ~ nosuch | upper ~ nosuch | trim ~ nosuch | string
nosuch | int
nosuch | first
nosuch | join(',') ~ nosuch | map('upper') | list
nosuch is defined ~ nosuch is undefined ~ nosuch is none ~ nosuch is string
nosuch is iterable ~ nosuch is sequence ~ nosuch is mapping
nothing.attribute
nothing.attribute.more
three.attribute is defined
text.attribute is defined
text.upper is defined
numbers.append
numbers.append(1)
person.update({})
person.pop is defined
person.__class__
text.__class__.__mro__
nothing
yes ~ no ~ yes | string ~ yes | int
zero or 'x'
three and 'x'
empty or nothing
not (yes and no)
not yes or yes
yes and not no
1 if yes else 2
1 if no
(1 if no) is defined
1 if no else 2 if no else 3
'a' if three > 2 and 'b' in 'abc' else 'c'
1 + 2 * 3 - 4 / 2
7 // 2 ~ ' ' ~ -7 // 2 ~ ' ' ~ 7 % 3 ~ ' ' ~ -7 % 3 ~ ' ' ~ 7 % -3
7.5 // 2 ~ ' ' ~ -7.5 % 2 ~ ' ' ~ 1e3 % 7
2 ** 3 ** 2 ~ ' ' ~ 2 ** -1 ~ ' ' ~ 2 ** 0.5
1 / 0
1 // 0
1 % 0
1.0 / 3 ~ ' ' ~ 2 / 1 ~ ' ' ~ 10 / 4
-three ~ +three ~ -(1) ~ - 1
-three | abs
(-three) | abs ~ minus | abs ~ (-2.5) | abs
1 ~ 2 + 3
1 ~ 2 * 3
'a' + 'b' * 3 ~ 2 * 'c' ~ [0] * 2
'a' + 1
1 + 'a'
[1] + [2] ~ [1, 2] == [1, 2] ~ [1] == (1,)
(1, 2) + (3,)
() ~ (1,) ~ (1, 2)
[1, (2,), {'a': [none]}]
1 == 1.0 ~ 1 == true ~ '1' == 1 ~ none == false
1 < 2 < 3
1 < 3 < 2
'a' < 'b' ~ 'B' < 'a' ~ [1, 2] < [1, 3]
'a' < 1
none < 1
1 != 2 ~ 1 >= 1 ~ 2 <= 1
pi ~ ' ' ~ tiny ~ ' ' ~ huge ~ ' ' ~ 1e16 ~ ' ' ~ 1e15 ~ ' ' ~ 0.0001 ~ ' ' ~ 0.00001 ~ ' ' ~ 100.0
1_000 ~ ' ' ~ 0x1F ~ ' ' ~ 0b101 ~ ' ' ~ 0o17 ~ ' ' ~ 1e3 ~ ' ' ~ 1_0.5e-1
pi | round ~ ' ' ~ pi | round(2) ~ ' ' ~ 2.5 | round ~ ' ' ~ 3.5 | round ~ ' ' ~ 2.675 | round(2)
pi | round(1, 'ceil') ~ ' ' ~ pi | round(3, 'floor') ~ ' ' ~ 5 | round ~ ' ' ~ pi | round | int
pi | round(method='other')
pi | int ~ '42' | int ~ '42.9' | int ~ 'x' | int ~ 'x' | int(7) ~ ' -5 ' | int ~ '0x1f' | int(base=16)
'1_000' | int ~ '1__0' | int ~ none | int ~ [] | int(3) ~ true | int
pi | float ~ '2.5' | float ~ 'x' | float ~ 'x' | float(1.5) ~ '1e3' | float ~ 3 | float
numbers | string ~ none | string ~ 3 | string | length
'abc' | center(9) ~ '|' ~ 'abc' | center(8) ~ '|' ~ 'abc'.ljust(5) ~ 'abc'.rjust(5, '.') ~ '-5'.zfill(4)
'abcd'.center(7) ~ '|' ~ 'abc'.center(6) ~ '|' ~ 'abc'.center(7, '*')
'one two three four five' | truncate(12) ~ '|' ~ 'one two three' | truncate(9, true, '..', 0)
'one two' | wordcount ~ unicode | wordcount
html | e
html | escape | escape
html | safe
(html | e) + '<'
'<' + (html | safe)
html | e ~ '<'
html | forceescape | upper
'a' 'b' "c"
'\\n\\t\\x41\\u00e9\\101\\q\\'"'
"it's" ~ 'say "hi"'
["it's", 'say "hi"', 'both \\' "', 'tab\\t', 'é', '\\x00', '\\u200b', '🙂', '\\xa0']
'isalpha'.isalpha() ~ 'a1'.isalnum() ~ '12'.isdigit() ~ ' '.isspace() ~ ''.isdigit() ~ '²'.isdigit()
'abc'.islower() ~ 'ABC'.isupper() ~ 'A1'.isupper() ~ 'ǅ'.isupper() ~ '1'.islower() ~ '²'.isdecimal()
'abc'.removeprefix('a') ~ 'abc'.removesuffix('c') ~ 'a=b=c'.partition('=') ~ 'a=b=c'.rpartition('=')
'abc'.partition('x') ~ 'abc'.rpartition('x')
numbers.index(2) ~ numbers.count(3) ~ (1, 2).index(2)
numbers.index(9)
range(3) | list ~ range(1, 7, 2) | list ~ range(3, 0, -1) | list
range(3) ~ range(0, 6, 2) ~ range(3) | length ~ range(3)[1] ~ range(3)[-1]
range(0)
range(100001)
range(1, 2, 0)
dict(a=1, b=2) ~ dict({'a': 1}, b=2) ~ dict([('a', 1)]) ~ dict()
dict(a=1).items() | list
dict(nosuch)
namespace(a=1).a
namespace({'a': 1}, b=2).b
namespace().nosuch is defined
namespace(_a=1)
{'a': 1, 'a': 2} ~ {1: 2, true: 3} ~ {(1, 2): 3}
{'a': 1}['a'] ~ {'a': 1}.a ~ {1: 'x'}[1] ~ {1: 'x'}[true] ~ {1: 'x'}['1']
{[1]: 2}
numbers['x'] is defined ~ numbers[1.0] is defined ~ numbers[true]
person[none] is defined ~ person[[1]] is defined
nested.0.1 ~ nested[1].0
three is number ~ pi is number ~ yes is number ~ text is number
three is integer ~ yes is integer ~ pi is integer ~ pi is float ~ three is float
yes is boolean ~ three is boolean ~ yes is true ~ no is false ~ three is true
text is string ~ three is string ~ none is none ~ none is not none
person is mapping ~ numbers is mapping ~ numbers is sequence ~ text is sequence ~ person is sequence
numbers is iterable ~ three is iterable ~ none is iterable ~ text is iterable ~ person is iterable
person.items() is sequence ~ person.items() is iterable ~ range(2) is sequence
three is odd ~ three is even ~ three is divisibleby 3 ~ three is divisibleby(2)
three is eq 3 ~ three is equalto(3) ~ three is ne 3 ~ three is gt 2 ~ three is lessthan 2 ~ three is ge 3
three is in numbers ~ three is not in numbers ~ 'x' is in 'xyz'
text is lower ~ 'abc' is lower ~ 'ABC' is upper ~ none is sameas none ~ 1 is sameas 1
range is callable ~ text.strip is callable ~ three is callable
'trim' is filter ~ 'nosuch' is filter ~ 'defined' is test
html is escaped ~ (html | e) is escaped
three is defined and three is not none
three is nosuchtest
three is string or three is number
not three is string
three | nosuchfilter
raise_exception('No: ' ~ three)
raise_exception('a', 'b')
strftime_now('%Y-%m-%d %H:%M:%S %a %A %b %B %d %j %p %I %y %-d %% %f|%z|%Z|')
strftime_now()
text.nosuch()
three()
none.strip()
text.strip(1)
text.split(' ', 1, 2)
text.strip(chars='x', more=1)
(numbers | select('odd')) is defined
[numbers | map('string') | list, 1]
1 if numbers | select('none') else 2
numbers | select('odd') | first ~ numbers | map('abs') | list
(1, 2, 3)[1:] ~ (1, 2)[0]
[1, 2,] ~ {'a': 1,} ~ (1, 2,)
person.tags | join('/') ~ person['tags'][0]
people | attr('nosuch') is defined ~ text | attr('upper') is defined
people[0].home.town | upper ~ people[-1]['name']
9223372036854775807 ~ -9223372036854775807
words[three - 2] ~ words[three * 100] is defined
text[three] ~ text[-1 * three]
""".strip("\n").split("\n")

# Whole templates: statements, scopes and white space.
TEMPLATES = [
    "",
    "plain",
    "a{#",
    "a{% raw %}",
    "line\n",
    "line\n\n",
    "\n{{ three }}\n",
    "a\r\nb\rc\r\n",
    "{# comment #}x{#- trimmed -#} y",
    "a\n  {# alone #}\nb",
    "{% if yes %}\n  in\n{% endif %}\nout",
    "  {% if yes %}  in  {% endif %}  out",
    "  {%+ if yes %}  in  {%+ endif +%}\n  out",
    "x  {%- if yes -%}  in  {%- endif -%}  y",
    "x \n {{- three -}} \n y",
    "  {{ three }}\n  {{ three }}\n",
    "{% if yes %}a{% endif %}\n\n  {% if yes %}b{% endif %}\n",
    "\t{% set a = 1 %}\n\t{{ a }}",
    "{% raw %}{{ x }} {% if %}{% endraw %}",
    "a {%- raw -%}  {{ x }}  {%- endraw -%} b",
    "  {% raw %}\n  {{ x }}\n  {% endraw %}\nz",
    "{{ '}}' }}{{ '{%' }}{{ {'a': {'b': 1}}.a.b }}",
    "{{ {'a': {}}}}",
    "{% if zero %}a{% elif empty %}b{% elif three %}c{% else %}d{% endif %}",
    "{% if zero %}a{% elif no %}b{% else %}d{% endif %}",
    "{% for n in numbers %}{{ n }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for n in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}"
    "{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.depth }};{% endfor %}",
    "{% for n in numbers %}{{ loop.previtem }}<{{ n }}>{{ loop.nextitem }} {% endfor %}",
    "{% for n in numbers %}{{ loop.cycle('a', 'b') }}{{ loop.changed(n) }}{% endfor %}",
    "{% for n in [] %}x{% else %}none{% endfor %}",
    "{% for n in nosuch %}x{% else %}none{% endfor %}",
    "{% for n in none %}x{% endfor %}",
    "{% for n in 3 %}x{% endfor %}",
    "{% for n in numbers if n != 3 %}{{ loop.index }}/{{ loop.length }}:{{ n }} {% else %}e{% endfor %}",
    "{% for n in numbers if n > 9 %}x{% else %}e{% endfor %}",
    "{% for n in numbers if n == 3 %}{{ loop.last }}{{ loop.nextitem }}{{ n }}{% endfor %}",
    "{% for n in numbers %}{% if n == 1 %}{% continue %}{% endif %}{{ n }}{% endfor %}",
    "{% for n in numbers %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}",
    "{% for n in numbers %}{% break %}{% else %}else{% endfor %}",
    "{% for n in numbers %}{% continue %}{% else %}else{% endfor %}",
    "{% for k, v in person.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in person | items %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in person %}{{ k }};{% endfor %}",
    "{% for a, b in nested %}{{ a }}{{ b }}{% endfor %}",
    "{% for (a, b) in nested %}{{ a }}{{ b }}{% endfor %}",
    "{% for a, b in numbers %}{{ a }}{% endfor %}",
    "{% for a, b in [[1, 2, 3]] %}{{ a }}{% endfor %}",
    "{% for c in 'añ🙂' %}[{{ c }}]{% endfor %}",
    "{% for x in range(3) %}{% for y in range(2) %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for x in numbers %}{% set last = x %}{% endfor %}{{ last }}",
    "{% set n = 1 %}{% for x in numbers %}{{ n }}{% set n = n + x %}{{ n }};{% endfor %}{{ n }}",
    "{% set ns = namespace(n=0, found=false) %}{% for x in numbers %}{% set ns.n = ns.n + x %}"
    "{% if x == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.n }}{{ ns.found }}",
    "{% if yes %}{% set inner = 5 %}{% endif %}{{ inner }}",
    "{% if no %}{% set three = 5 %}{% endif %}{{ three }}",
    "{% for i in [1] %}{% if no %}{% set three = 5 %}{% endif %}{{ three }}{% endfor %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a = 1, 2 %}{{ a }}",
    "{% set ns = namespace() %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}",
    "{% set person.name = 1 %}",
    "{% set nosuch.name = 1 %}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{% set block %}  text {{ three }} {% endset %}[{{ block }}]{{ block is string }}",
    "{% set block | upper | trim %} text {% endset %}[{{ block }}]",
    "{% for x in [1, 2] %}{% set b %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endset %}{{ b }}{% endfor %}",
    "{% set x = 1 %}{% set b %}{% set x = 2 %}{{ x }}{% endset %}{{ b }}{{ x }}",
    "{% filter upper %}text {{ 'x' }}{% endfilter %}{% filter replace('a', 'b') | upper %}a{% endfilter %}",
    "{% with a = 1, b = three %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}",
    "{% print 1, 2 %}",
    "{% macro m(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(c=9, a=8) }}{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 'x', k=2) }}{{ m() }}",
    "{% macro m(a) %}{{ a }}{{ varargs }}{% endmacro %}{{ m(1, 2, 3) }}{{ m(a=1) }}",
    "{% macro m() %}{{ late }}{% endmacro %}{% set late = 'seen' %}{{ m() }}",
    "{% macro m() %}{% set three = 9 %}{{ three }}{% endmacro %}{{ m() }}{{ three }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro wrap(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call wrap('b') %}in{{ three }}{% endcall %}",
    "{% macro each(l) %}{% for x in l %}{{ caller(x) }}{% endfor %}{% endmacro %}{% call(v) each(numbers) %}[{{ v }}]{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}",
    "{% for x in [1, 2] %}{% macro m() %}{{ x }}{{ loop.index }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m() %}  padded  {% endmacro %}[{{ m() | trim }}]{{ m() is string }}{{ m is callable }}",
    "{{ m(1) }}{% macro m(a) %}{{ a }}{% endmacro %}",
    "{% generation %}text{{ three }}{% endgeneration %}",
    "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "{% for x in numbers %}{% generation %}{{ x }}{{ loop.last }}{% endgeneration %}{% endfor %}",
    "  {% generation %}\n a\n  {% endgeneration %}\nb",
    "{% for x in people | sort(attribute='age') %}{{ x.name }}{{ loop.index }}{% endfor %}",
    "{% for x in numbers | select('odd') %}{{ x }}{{ loop.length }}{{ loop.last }}{% endfor %}",
    "{% set g = numbers | select('odd') %}{{ g | list }}{{ g | list }}",
    "{% set g = numbers | map('string') %}{{ g | first }}{{ g | join }}",
    "{% for m in numbers %}{% if loop.index0 == 0 %}{% set ns = 1 %}{% endif %}{{ ns is defined }}{% endfor %}",
    "{% set ns = namespace(stop=false) %}{% for n in numbers if not ns.stop %}{{ n }}"
    "{% if n == 1 %}{% set ns.stop = true %}{% endif %}{% endfor %}",
    "{% set messages = numbers[1:] %}{{ messages }}{{ numbers[0] if numbers else 'x' }}",
    "{% if numbers is iterable and numbers is not string and numbers is not mapping %}list{% endif %}",
    "{% for p in people %}{{ p.name }}{{ ', ' if not loop.last else '.' }}{% endfor %}",
    "{{ three }}{{- three }} {{ three -}} {{+ three }}",
    "{% set x = true if three == 3 else false %}{{ x }}",
    "{%set a=1%}{{a}}{%-if a==1-%}y{%-endif%}",
    "{{ [1,\n2,\n3][\n1] }}",
    "{{- 'start' }}\n{%- if true %}\n    {{- ' mid' }}\n{%- endif %}\n{{- ' end' }}\n",
    "{% if three is string %}s{% elif three is number %}n{% endif %}",
    "{% for x in loop %}{% endfor %}",
    "{{ loop is defined }}{{ caller is defined }}",
    "{% set loop_messages = people %}{% for message in loop_messages %}{% set content = message['name'] %}"
    "{% if loop.index0 == 0 %}{% set content = 'first ' + content %}{% endif %}{{ content }} {% endfor %}",
    "{{ dict(a=1) | tojson }}{{ namespace(a=[1]).a | tojson }}",
    "{% macro kind(s) %}{% if s.type is string %}{{ s.type }}{% elif s.type is iterable %}"
    "{{ s.type | join(' or ') }}{% endif %}{% endmacro %}{% for name, s in tool.function.parameters.properties.items() %}"
    "{{ name }}: {{ kind(s) }}{{ '' if name in tool.function.parameters.required else '?' }}"
    "{% if s.default is defined %} = {{ s.default | tojson }}{% endif %}\n{% endfor %}",
]

# Not well formed: an error on both sides.
BROKEN = [
    "{{",
    "{{ }}",
    "{{ 1",
    "{{ 1 }",
    "{% if %}",
    "{% if yes %}",
    "{% endif %}",
    "{% for x numbers %}{% endfor %}",
    "{% for x in numbers %}",
    "{% for x in numbers %}{% endif %}",
    "{% nosuchtag %}",
    "{% break %}",
    "{% macro m() %}{% break %}{% endmacro %}",
    "{% set %}",
    "{% set x %}",
    "{% set 1 = 2 %}",
    "{% set none = 2 %}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{#x",
    "{% raw %}x",
    "{{ 'text }}",
    "{{ (1 }}",
    "{{ 1) }}",
    "{{ [1 }}",
    "{{ {1} }}",
    "{{ a. }}",
    "{{ a | }}",
    "{{ a is }}",
    "{{ a is b is c }}",
    "{{ f(a=1, 2) }}",
    "{{ 1 2 }}",
    "{{ not }}",
    "{{ a $ b }}",
    "{{ '\\x4' }}",
    "{% call 1 %}{% endcall %}",
    "{% generation %}",
    "{% include 'x' %}",
    "{% extends 'x' %}",
    "{% import 'x' as y %}",
]
