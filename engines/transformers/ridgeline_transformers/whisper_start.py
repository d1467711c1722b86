"""The tokens that Whisper's decoder starts with, by its generation config; the rule of the native
engine (engines/native/models/whisper_start.cpp), which is that of transformers' generate()."""

from ridgeline_transformers.errors import bad_input, unsupported


def _forced(pairs):
    """[[1, language or None], [2, task], …], as far as places follow each other."""
    tokens = []
    for place, pair in enumerate(pairs if isinstance(pairs, list) else [], start=1):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or pair[0] != place:
            break
        tokens.append(pair[1])
    return tokens


def _language_of(generation):
    """("named", id), ("detect", ids) or None."""
    languages = getattr(generation, "lang_to_id", None) or {}
    name = getattr(generation, "language", None)
    if isinstance(name, str):
        token = languages.get(name, languages.get(f"<|{name}|>"))
        if token is None:
            raise unsupported(
                f"the generation config asks for language '{name[:80]}', which is not in its "
                "lang_to_id"
            )
        return "named", token
    return ("detect", list(languages.values())) if languages else None


def start_tokens(generation, config, detect):
    """Token ids, with the language's place taken by `detect(first, languages)` where it is to be
    found out: a tensor [batch]."""
    if getattr(generation, "return_timestamps", None) is True:
        raise unsupported(
            "the generation config asks for return_timestamps, which is not there",
            "set return_timestamps to false",
        )
    first = generation.decoder_start_token_id
    if first is None:
        first = getattr(config, "decoder_start_token_id", None)
    if first is None:
        raise bad_input("neither config names a decoder_start_token_id")
    task = getattr(generation, "task", None)
    named = isinstance(task, str) or isinstance(getattr(generation, "language", None), str)
    tokens = [first] + ([] if named else _forced(getattr(generation, "forced_decoder_ids", None)))
    undefined = len(tokens) <= 1 or tokens[1] is None
    language = _language_of(generation)
    if language is not None and (language[0] == "named" or undefined):
        token = language[1] if language[0] == "named" else detect(first, language[1])
        tokens[1:2] = [token]
    else:
        tokens = [token for token in tokens if token is not None]  # what is undefined is left out
    if named:
        tasks = getattr(generation, "task_to_id", None) or {}
        token = tasks.get(task if isinstance(task, str) else "transcribe")
        if token is None and isinstance(task, str):
            raise unsupported(f"the generation config asks for the unknown task '{task[:80]}'")
        tokens += [token] if token is not None else []
    plain = getattr(generation, "no_timestamps_token_id", None)
    if isinstance(plain, int) and tokens[-1:] != [plain]:
        tokens.append(plain)
    return tokens
