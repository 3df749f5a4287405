"""The model of a job, in the precision of the job."""

from typing import Any

from so3k_explore.jobs.job import Job, fingerprint


def load_model(job: Job) -> Any:
    """The potential of a job.

    Raises:
        ValueError: the file of the model has changed since the job was made, or is none.
    """
    from so3k_explore.potentials.registry import load_potential, model_info

    if job.model_sha256 is not None:
        found = fingerprint(model_info(job.model).path)
        if found != job.model_sha256:
            raise ValueError(
                f"The model `{job.model}` has changed since this run was made "
                f"(SHA-256 {job.model_sha256[:12]}… then, {str(found)[:12]}… now). Start a new run with it."
            )
    return load_potential(job.model, precision=job.precision, long_range_cutoff=job.long_range_cutoff)


def model_name(job: Job) -> str:
    """Name of the model of a job, for people: of a file or folder that of the model, not the whole path."""
    from so3k_explore.potentials.registry import model_info

    return model_info(job.model).name


def working_precision(precision: str) -> Any:
    """Double precision for this thread only when asked for, so that runs of both kinds share a worker."""
    import jax

    return jax.enable_x64(precision == "float64")
