"""A stand-in for torch where it is not installed: a tensor type and the function of its library that makes one."""

import numpy as np


class OnlyDLPack:
    """A tensor of a library that knows DLPack and nothing else."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Tensor(OnlyDLPack):
    """As torch's: refuses to be read while it requires grad or lies on another device."""

    def __init__(self, values, requires_grad=False, device="cpu"):
        super().__init__(values)
        self.requires_grad = requires_grad
        self.device = device

    def detach(self):
        return Tensor(self.values, False, self.device)

    def cpu(self):
        return Tensor(self.values, self.requires_grad)

    @property
    def dtype(self):
        return f"tensors.{self.values.dtype}"

    @property
    def shape(self):
        return self.values.shape

    def __dlpack__(self, **options):
        if self.requires_grad or self.device != "cpu":
            raise BufferError("requires grad, or on another device")
        return super().__dlpack__(**options)


class BFloat16(Tensor):
    """A tensor of a type that NumPy has not."""

    dtype = "tensors.bfloat16"

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return Tensor(self.values)

    def __dlpack__(self, **options):
        raise BufferError("bfloat16")


def from_numpy(values: np.ndarray) -> Tensor:
    return Tensor(values)
