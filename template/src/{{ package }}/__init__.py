"""The science of this study: one module per stage of the pipeline in `dvc.yaml`."""
