"""The names that a checkpoint pickle may mention; any other makes it refused."""

from __future__ import annotations

TYPED_BUILDER = "torch._utils._rebuild_tensor_v3"
TENSOR_BUILDERS = frozenset({"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", TYPED_BUILDER})
WRAPPERS = frozenset({"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"})
"""Their first argument is the tensor."""

STORAGES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "UntypedStorage": "U8",
}
"""torch's storage classes, by the dtype name of safetensors."""
STORAGE_DTYPES = {
    f"{module}.{name}": dtype for module in ("torch", "torch.storage", "torch.cuda") for name, dtype in STORAGES.items()
}
TABLES = frozenset({"collections.OrderedDict", "builtins.dict", "__builtin__.dict", "collections.defaultdict"})
"""Classes that hold tensors by name."""

DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}

_PLAIN = frozenset(
    {
        "collections.OrderedDict",
        "collections.defaultdict",
        "__builtin__.dict",
        "__builtin__.list",
        "__builtin__.set",
        "__builtin__.long",
        "builtins.dict",
        "builtins.list",
        "builtins.set",
        "builtins.int",
        "builtins.float",
        "builtins.bool",
        "builtins.str",
        "builtins.complex",
        "builtins.bytearray",
        "_codecs.encode",
        "torch.Size",
        "torch.device",
        # Scalars of old training programs: the step count, the best loss.
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "numpy.dtype",
        "numpy.ndarray",
    }
)
_LIGHTNING = ("pytorch_lightning.", "lightning.", "lightning_fabric.")
"""Old training checkpoints use classes of these libraries as keys of their `callbacks` and in their settings."""
_LIGHTNING_NAMES = frozenset({"ModelCheckpoint", "AttributeDict", "EarlyStopping", "LearningRateMonitor"})


def is_harmless(name: str) -> bool:
    """Whether a checkpoint may mention the global `module.name`. Our own reader never looks any of them up; the
    loaders that do may only ever be given stand-ins for these."""
    if name in _PLAIN or name in TENSOR_BUILDERS or name in WRAPPERS:
        return True
    module, _, last = name.rpartition(".")
    if module in ("torch", "torch.storage", "torch.cuda"):
        return last in STORAGES or (module == "torch" and last in DTYPES)
    return module.startswith(_LIGHTNING) and last in _LIGHTNING_NAMES
