"""Key-value caches: making them, and putting them back to what they were."""

import copy


def decoder_config(loaded):
    """The config with the decoder's layers in num_hidden_layers, where caches look for them."""
    config = loaded.model.config
    layers = getattr(config, "decoder_layers", None)
    if layers is None:
        return config
    config = copy.deepcopy(config)
    config.num_hidden_layers = layers
    return config


def static_cache(loaded, tokens, encoded_positions=None):
    """A cache of a fixed size, for torch.compile; with room for an encoder's output for models that
    have one."""
    from transformers import EncoderDecoderCache, StaticCache  # noqa: PLC0415

    config = decoder_config(loaded)
    own = StaticCache(config=config, max_cache_len=tokens)
    if encoded_positions is None:
        return own
    return EncoderDecoderCache(own, StaticCache(config=config, max_cache_len=encoded_positions))


def dynamic_pair(config):
    """A growing cache of a decoder's tokens and of its encoder's output; of decoder_config()."""
    from transformers import DynamicCache, EncoderDecoderCache  # noqa: PLC0415

    return EncoderDecoderCache(DynamicCache(config=config), DynamicCache(config=config))


def _parts(cache):
    """Caches that have layers: one, or those of a decoder and of what it looks at."""
    if hasattr(cache, "self_attention_cache"):
        return [cache.self_attention_cache, cache.cross_attention_cache]
    return [cache]


def layers_of(cache):
    """Every layer of every part."""
    return [layer for part in _parts(cache) for layer in part.layers]


def cache_bytes(cache):
    """Bytes of all tensors in a cache."""
    import torch  # noqa: PLC0415

    seen = {}
    for layer in layers_of(cache):
        for value in vars(layer).values():
            if isinstance(value, torch.Tensor):
                seen[value.data_ptr()] = value.numel() * value.element_size()
    return sum(seen.values())


# The layer's own class → whether update() writes into its keys and values where they are, and only
# behind the last token: the next call writes to the same place again. Otherwise it makes new ones.
# So going back needs no copy of either; layers of any other class are copied whole.
_WRITES_IN_PLACE = {"StaticLayer": True, "DynamicLayer": False, "DynamicSlidingWindowLayer": False}


def _layer_restorer(layer):
    """A function that gives a layer the state it has now."""
    import torch  # noqa: PLC0415

    fields = dict(vars(layer))
    in_place = _WRITES_IN_PLACE.get(type(layer).__name__)
    copies = []
    if in_place is not False:
        # Tensors keep their addresses, which compiled code knows; their contents are put back.
        copies = [
            (value, value.clone())
            for name, value in fields.items()
            if isinstance(value, torch.Tensor) and not (in_place and name in ("keys", "values"))
        ]

    def restore():
        vars(layer).update(fields)
        for tensor, content in copies:
            tensor.copy_(content)

    return restore


class Snapshot:
    """The state of a cache at one moment, to go back to."""

    def __init__(self, cache):
        self._layers = [_layer_restorer(layer) for layer in layers_of(cache)]
        self._updated = getattr(cache, "is_updated", None)
        self._was_updated = dict(self._updated or {})

    def restore(self):
        """Puts everything back."""
        for restore in self._layers:
            restore()
        if self._updated is not None:
            self._updated.update(self._was_updated)


def empty_again(cache):
    """A Snapshot of an allocated static cache as if nothing had been put in yet.

    Contents stay: what is behind the length is masked, and the next tokens overwrite it.
    """
    for layer in layers_of(cache):
        length = getattr(layer, "cumulative_length", None)
        if length is not None:
            length.zero_()
        if hasattr(layer, "cumulative_length_int"):
            layer.cumulative_length_int = 0
    if hasattr(cache, "is_updated"):
        for index in cache.is_updated:
            cache.is_updated[index] = False
    return Snapshot(cache)
