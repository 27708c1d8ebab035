"""A double of the archives: InvenioRDM's API, Zenodo's legacy deposits, OSF with WaterButler.

Standard library only. In a test: `with archives.running() as server`. On its own:
`python3 tests/archives --port 8123`.
"""

from .faults import Fault
from .server import running
from .state import TOKEN, Archives

__all__ = ["TOKEN", "Archives", "Fault", "running"]
