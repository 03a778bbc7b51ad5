"""Many workers, on one machine or many, through dask.distributed (extra ``cluster``)."""
