"""The device is found at run time; what is absent falls back with a word."""

import pytest
import torch

from napari_style_transfer.engine.device import choose_device, convolution_dtype, describe

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


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_a_precision_that_is_asked_for_is_taken(precision, dtype):
    assert convolution_dtype(precision, CPU) is dtype


@pytest.mark.parametrize("fast", [True, False])
def test_the_automatic_precision_is_what_the_hardware_is_fast_at(monkeypatch, fast):
    has = {"avx512_bf16": True, "amx_bf16": fast}  # only the latter is faster than float32
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    expected = torch.bfloat16 if fast else torch.float32
    assert convolution_dtype("auto", CPU) is expected
    assert convolution_dtype("auto", torch.device("mps")) is torch.float32


def test_a_device_is_named():
    assert describe(CPU) == "cpu"
