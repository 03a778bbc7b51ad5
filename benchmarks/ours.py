"""The party *ours*: the public generator, at its defaults but for what the job's settings say."""

from __future__ import annotations

import napari_style_transfer  # noqa: F401 - as for users, before torch is loaded
from benchmarks.recorder import Job, Recorder
from napari_style_transfer import Cache, Settings, iter_stylize, samples, stylize


def main() -> None:
    job = Job.from_command_line()
    shared = {name: value for name, value in job.settings.items() if name != "size"}
    shared["device"] = job.device
    settings = Settings(steps=job.evaluations, **job.settings | shared)
    cache = Cache()
    # Reads the network's parameters and wakes the device, as the other parties do before the clock.
    stylize(samples.load("coffee"), samples.load("night"), size=32, steps=1, cache=cache, **shared)
    recorder = Recorder(job)
    recorder.start()
    for step in iter_stylize(
        job.content,
        job.style,
        settings=settings,
        cache=cache,
        preview_interval=0 if job.checkpoints else float("inf"),
    ):
        if recorder.lap(step.evaluation):
            assert step.picture is not None  # a preview is due at every step
            recorder.save(step.evaluation, step.picture)
    recorder.finish(precision=step.precision)


if __name__ == "__main__":
    main()
