"""The party *ours*: the public generator, at its defaults but for what the job's settings say."""

from __future__ import annotations

from benchmarks.recorder import Job, Recorder
from napari_style_transfer import Settings, iter_stylize
from napari_style_transfer.engine.weights import load_weights


def main() -> None:
    job = Job.from_command_line()
    settings = Settings(device=job.device, steps=job.evaluations, **job.settings)
    load_weights(settings.weights)
    recorder = Recorder(job)
    recorder.start()
    for step in iter_stylize(
        job.content,
        job.style,
        settings=settings,
        preview_interval=0 if job.checkpoints else float("inf"),
    ):
        if recorder.lap(step.evaluation):
            assert step.picture is not None  # a preview is due at every step
            recorder.save(step.evaluation, step.picture)
    recorder.finish(precision=step.precision)


if __name__ == "__main__":
    main()
