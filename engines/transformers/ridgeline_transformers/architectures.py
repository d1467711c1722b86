"""Which class of transformers an architecture is, and what kind of model that makes it."""

import dataclasses
import enum
import inspect

from ridgeline_transformers.errors import bad_input, unsupported


class Kind(enum.Enum):
    """What a model works on, which decides its inputs and its phases."""

    TEXT = "text"
    CAUSAL = "causal"  # text, token after token
    IMAGE = "vision"
    PAIR = "pair"  # texts compared with images
    SOUND = "sound"  # classifiers and encoders of sound
    SEQUENCE_PAIR = "sequence pair"  # encoder and decoder, of sound or text


# The end of a class's name → the pipeline tag of the hub. The first that fits counts.
_TASKS = (
    ("ForMaskedLM", "fill-mask"),
    ("ForPreTraining", "fill-mask"),
    ("LMHeadModel", "text-generation"),
    ("ForCausalLM", "text-generation"),
    ("ForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "question-answering"),
    ("ForMultipleChoice", "multiple-choice"),
    ("ForImageClassification", "image-classification"),
    ("ForObjectDetection", "object-detection"),
    ("ForSemanticSegmentation", "image-segmentation"),
    ("ForDepthEstimation", "depth-estimation"),
    ("ForAudioClassification", "audio-classification"),
    ("ForCTC", "automatic-speech-recognition"),
    ("ForSpeechSeq2Seq", "automatic-speech-recognition"),
)
_MODALITIES = {
    Kind.TEXT: "text",
    Kind.CAUSAL: "text",
    Kind.IMAGE: "vision",
    Kind.PAIR: "multimodal",
    Kind.SOUND: "speech",
}
_DECODERS = ("ForCausalLM", "LMHeadModel")
# Types of configs that are another family under a name of their own, and families whose parts are
# of two modalities even alone: as src/catalog/families.def has them.
_ALIASES = {"clip_text_model": "clip", "clip_vision_model": "clip"}
_PAIRS = ("clip",)


@dataclasses.dataclass
class Architecture:
    """A class of transformers, and the words that a record has for it."""

    name: str
    model_class: type
    family: str  # as src/catalog/families.def names it, else the config's model_type


def find(config, asked):
    """The class that is asked for, else the first of config.json's `architectures`, else the base
    model of the config's type."""
    import transformers  # noqa: PLC0415

    family = config.get("model_type")
    if not isinstance(family, str) or not family:
        raise bad_input("config.json: 'model_type' is missing")
    named = config.get("architectures")
    first = named[0] if isinstance(named, list) and named else None
    name = asked or first
    if name is None:
        name = _base_model(transformers, family)
    if not isinstance(name, str) or not name.isidentifier():
        raise bad_input("config.json: 'architectures' must be a list of names")
    found = getattr(transformers, name, None)
    if not inspect.isclass(found) or not issubclass(found, transformers.PreTrainedModel):
        raise unsupported(
            f"transformers {transformers.__version__} has no architecture '{name[:80]}'",
            "use a newer transformers, or another --architecture",
        )
    return Architecture(name, found, _ALIASES.get(family, family))


def _base_model(transformers, family):
    try:
        config_class = transformers.CONFIG_MAPPING[family]
        return transformers.MODEL_MAPPING[config_class].__name__
    except KeyError:
        raise unsupported(
            f"config.json names no architecture, and transformers {transformers.__version__} has "
            f"no base model of type '{family[:80]}'",
            "name one with --architecture",
        ) from None


def accepts(model):
    """Names of the arguments of the model's forward pass."""
    return set(inspect.signature(model.forward).parameters)


def kind_of(model, family):
    """By arguments and name of the class; a family that only looks like a decoder is none."""
    name = type(model).__name__
    arguments = accepts(model)
    main = getattr(model, "main_input_name", "input_ids")
    is_pair = hasattr(model, "get_text_features") and hasattr(model, "get_image_features")
    if is_pair and {"input_ids", "pixel_values"} <= arguments:
        return Kind.PAIR
    if getattr(model.config, "is_encoder_decoder", False) and "decoder_input_ids" in arguments:
        return Kind.SEQUENCE_PAIR
    if main in ("input_features", "input_values"):
        return Kind.SOUND
    if main == "pixel_values":
        return Kind.IMAGE
    decodes = name.endswith(_DECODERS) and family != "bert" and "past_key_values" in arguments
    return Kind.CAUSAL if decodes and model.can_generate() else Kind.TEXT


def hears(model):
    """Whether the model's main input is sound."""
    return getattr(model, "main_input_name", "") in ("input_features", "input_values")


def generates(model, kind):
    """Whether the model has a head that makes tokens, one after the other."""
    if kind is Kind.SEQUENCE_PAIR:
        return model.can_generate() and model.get_output_embeddings() is not None
    return kind is Kind.CAUSAL


def describe(model, kind, family):
    """(modality, task) of a record."""
    name = type(model).__name__
    modality = _MODALITIES.get(kind) or ("speech" if hears(model) else "text")
    modality = "multimodal" if family in _PAIRS else modality
    for ending, task in _TASKS:
        if name.endswith(ending):
            return modality, task
    if name.endswith("ForConditionalGeneration"):
        return modality, "automatic-speech-recognition" if hears(model) else "text2text-generation"
    if kind is Kind.PAIR:
        return modality, "zero-shot-image-classification"
    return modality, "image-feature-extraction" if kind is Kind.IMAGE else "feature-extraction"
