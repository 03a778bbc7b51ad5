"""Memory for maps: each has its own while it lives, and the next one has it afterwards."""

import threading

import pytest
import torch

from napari_style_transfer.engine.cpu.allocator import MapAllocator, allocate_map
from napari_style_transfer.engine.cpu.vgg import CpuVGG19
from napari_style_transfer.engine.networks.weights import load_weights
from napari_style_transfer.engine.targets import StyleTarget, build_objective, gram_matrices
from napari_style_transfer.memory import map_bytes
from napari_style_transfer.settings import Settings

LIKE = torch.zeros(1)
SHAPE = (1, 8, 32, 33)
BYTES = 8 * 32 * 33 * 4


def is_inside(found, make):
    offset = found.untyped_storage().data_ptr() - make._block.ctypes.data
    return 0 <= offset < make._block.size


@pytest.mark.parametrize("make", [allocate_map, MapAllocator(10 * BYTES)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.bool])
def test_a_map_is_in_channels_last_and_of_the_type_asked_for(make, dtype):
    found = make(LIKE, SHAPE, dtype)
    assert found.shape == SHAPE
    assert found.dtype is dtype
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert make(LIKE.to(dtype), SHAPE).dtype is dtype


def test_maps_that_live_share_no_memory():
    make = MapAllocator(20 * BYTES)
    maps = [make(LIKE, (1, channels, 32, 33)).fill_(channels) for channels in (8, 3, 16, 1)]
    del maps[1]
    maps += [make(LIKE, (1, channels, 32, 33)).fill_(channels) for channels in (2, 5, 7)]
    assert all(bool((each == each.shape[1]).all()) for each in maps)


@pytest.mark.parametrize("size", [BYTES, BYTES - BYTES % 4096 + 4096])
def test_a_block_of_a_maps_size_holds_the_map(size):
    make = MapAllocator(size)
    first = make(LIKE, SHAPE)
    assert is_inside(first, make)
    assert not is_inside(make(LIKE, SHAPE), make)


def test_memory_is_used_again_as_soon_as_nothing_refers_to_it():
    make = MapAllocator(2 * BYTES)
    first = make(LIKE, SHAPE)
    place, view = first.data_ptr(), first[:, :2]
    del first
    assert make(LIKE, SHAPE).data_ptr() != place
    del view
    assert make(LIKE, SHAPE).data_ptr() == place


def test_what_came_back_in_parts_is_one_again():
    make = MapAllocator(4 * 4096)
    small = [make(LIKE, (1, 1, 32, 32)) for _ in range(4)]
    place = small[0].data_ptr()
    for index in (2, 0, 3, 1):
        small[index] = None
    assert make(LIKE, (1, 4, 32, 32)).data_ptr() == place


def test_where_the_memory_is_full_maps_come_from_the_system():
    make = MapAllocator(BYTES)
    first, second = make(LIKE, SHAPE).fill_(1), make(LIKE, SHAPE).fill_(2)
    assert is_inside(first, make)
    assert not is_inside(second, make)
    assert bool((first == 1).all())
    assert bool((second == 2).all())


def test_a_map_outlives_its_memorys_owner():
    make = MapAllocator(BYTES)
    first = make(LIKE, SHAPE).fill_(1)
    del make
    MapAllocator(BYTES)(LIKE, SHAPE).fill_(2)
    assert bool((first == 1).all())


def test_a_map_may_be_gone_in_another_thread():
    make = MapAllocator(BYTES)
    kept = [make(LIKE, SHAPE)]
    assert is_inside(kept[0], make)
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()
    assert is_inside(make(LIKE, SHAPE), make)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_an_evaluation_fits_into_the_memory_planned_and_finds_the_same(dtype, pooling):
    settings, shape = Settings(), (97, 130)
    layers = {**settings.content_layers, **settings.style_layers}
    network = CpuVGG19(load_weights(), layers, pooling=pooling, dtype=dtype)
    generator = torch.Generator().manual_seed(0)
    picture, style = (torch.rand(1, 3, *shape, generator=generator) for _ in range(2))
    make = MapAllocator(map_bytes(shape, dtype.itemsize, 0))
    missed = []

    def counted(like, shape, dtype=None):
        found = make(like, shape, dtype)
        missed.append(not is_inside(found, make))
        return found

    def evaluate(allocate):
        target = StyleTarget(
            gram_matrices(network, style, settings.style_layers, allocate=allocate)
        )
        objective = build_objective(network, settings, style.flip(3), [target], 0, allocate)
        return [objective.evaluate(picture) for _ in range(2)]

    for mine, systems in zip(evaluate(counted), evaluate(allocate_map), strict=True):
        assert mine.losses == systems.losses
        assert torch.equal(mine.gradient, systems.gradient)
    assert len(missed) > 50
    assert not any(missed)
