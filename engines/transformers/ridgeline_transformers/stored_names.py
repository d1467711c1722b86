"""Names under which files hold a model's parameters; transformers renames some as it loads."""


def stored_names(model):
    """{name in the model: name in its files}, for parameters, each once.

    By transformers' own way back, which save_pretrained takes. Tensors that it would also split or
    join keep the model's name.
    """
    import torch  # noqa: PLC0415
    from transformers import core_model_loading  # noqa: PLC0415

    marks = {name: torch.empty(0) for name, _ in model.named_parameters()}
    names = {id(mark): name for name, mark in marks.items()}
    same = {name: name for name in marks}
    try:
        back = core_model_loading.revert_weight_conversion(model, dict(marks))
    except Exception as error:  # noqa: BLE001 - joined tensors of no elements cannot be split
        print(f"names of files are taken from memory: {type(error).__name__}: {error}")
        return same
    return same | {names[id(mark)]: stored for stored, mark in back.items() if id(mark) in names}
