"""The device is found at run time; what is absent falls back with a word."""

import pytest
import torch

from napari_style_transfer.engine.cpu import int8, probe
from napari_style_transfer.engine.device import (
    Precision,
    choose_device,
    choose_precision,
    describe,
    is_out_of_memory,
)

CPU = torch.device("cpu")


def test_an_absent_device_falls_back_to_the_cpu_and_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("cuda", "cuda:3", "mps"):
        device, note = choose_device(name)
        assert device == CPU
        assert name in note
    assert choose_device("auto") == (CPU, "")


def test_automatic_choice_takes_cuda_then_mps(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto")[0].type == "cuda"
    assert choose_device("cuda:1") == (torch.device("cuda:1"), "")
    assert choose_device("cuda:2")[0] == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto")[0].type == "mps"


def on(monkeypatch, *instructions, works=True):
    has = dict.fromkeys(instructions, True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    monkeypatch.setattr(int8, "works", lambda: works)


def test_a_precision_that_is_asked_for_is_taken_where_there_is_such(monkeypatch):
    on(monkeypatch, "avx512_vnni")
    for name in ("float32", "bfloat16", "mixed"):
        assert choose_precision(name, CPU).value == name
    assert choose_precision("mixed", torch.device("mps")) is Precision.FLOAT32
    on(monkeypatch)
    assert choose_precision("mixed", CPU) is Precision.FLOAT32


def test_the_automatic_precision_is_what_the_hardware_is_fast_at(monkeypatch):
    # With avx512_bf16 alone, bfloat16 is slower than float32.
    on(monkeypatch, "avx512_bf16")
    assert choose_precision("auto", CPU) is Precision.FLOAT32
    on(monkeypatch, "avx512_bf16", "avx512_vnni")
    assert choose_precision("auto", CPU) is Precision.MIXED
    assert choose_precision("auto", torch.device("mps")) is Precision.FLOAT32
    on(monkeypatch, "avx512_vnni", works=False)
    assert choose_precision("auto", CPU) is Precision.FLOAT32
    on(monkeypatch, "avx512_vnni", "amx_bf16")
    assert choose_precision("auto", CPU) is Precision.BFLOAT16


def test_a_device_is_named():
    assert describe(CPU) == "cpu"


@pytest.mark.parametrize(
    "message",
    [
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 4398046511104 bytes. Error code 12 (Cannot allocate memory)",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "MPS backend out of memory (MPS allocated: 5.56 GB, other allocations: 1.10 GB, max allowed: "
        "6.80 GB). Tried to allocate 768.00 MB on private pool.",
        "Invalid buffer size: 19.45 GB",
    ],
)
def test_too_little_memory_is_known_on_every_device(message):
    assert is_out_of_memory(RuntimeError(message))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA: no more"))
    assert not is_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))


def test_without_the_kernels_no_precision_of_theirs_is_chosen(monkeypatch):
    on(monkeypatch, "avx512_vnni")
    monkeypatch.setattr(probe, "available", lambda: False)
    for name in ("auto", "mixed"):
        assert choose_precision(name, torch.device("cpu")) is Precision.FLOAT32
