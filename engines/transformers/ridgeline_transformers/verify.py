"""Outputs of one pass against those that another engine wrote to a file."""

from ridgeline_transformers.messages import plain


def _rows_that_count(name, tensor, mask):
    """Without padded positions: their outputs mean nothing."""
    if mask is not None and tensor.shape[:2] == mask.shape:
        return tensor[mask.bool()]
    return tensor


def compare(name, actual, expected, mask):
    """One entry of the verified reply; errors are of `actual` against `expected`, in float64."""
    entry = {"name": name, "shape": list(actual.shape)}
    if actual.shape != expected.shape:
        return {
            **entry, "expected_shape": list(expected.shape), "max_error": None, "max_value": None,
            "relative_error": None, "cosine": None, "top1_agreement": None, "finite": None,
        }  # fmt: skip
    ours = _rows_that_count(name, actual, mask).double()
    theirs = _rows_that_count(name, expected, mask).double()
    finite = bool(ours.isfinite().all()) and bool(theirs.isfinite().all())
    is_empty = ours.numel() == 0
    error = 0.0 if is_empty else float((ours - theirs).abs().max())
    largest = 0.0 if is_empty else float(theirs.abs().max())
    relative = error / largest if largest else (0.0 if error == 0 else None)
    length = float(ours.norm() * theirs.norm())
    top1 = None
    if "logits" in name and ours.dim() > 0 and ours.shape[-1] >= 2 and not is_empty:
        top1 = float((ours.argmax(-1) == theirs.argmax(-1)).double().mean())
    return plain(
        {
            **entry,
            "max_error": error,
            "max_value": largest,
            "relative_error": relative,
            "cosine": float((ours * theirs).sum()) / length if length else None,
            "top1_agreement": top1,
            "finite": finite,
        }
    )


def compare_all(actual, expected, inputs):
    """The fields of the verified reply."""
    mask = inputs.get("attention_mask", inputs.get("decoder_attention_mask"))
    mask = None if mask is None else mask.cpu()
    both = [name for name in actual if name in expected]
    return {
        "outputs": [compare(name, actual[name].cpu(), expected[name], mask) for name in both],
        "missing": [name for name in expected if name not in actual],
        "unexpected": [name for name in actual if name not in expected],
    }
