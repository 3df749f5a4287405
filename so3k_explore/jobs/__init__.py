"""Long work outside the page: runs that are started, watched, steered and continued through folders.

* `settings`: what a run is told to do.                          * `job`: all of it, with molecule and model.
* `store`, `frames`, `series`, `status`: the folder of a run.     * `run`, `runs`: a run, and all of them, for users.
* `worker`: the loop that works on a run.                        * `task`: kinds of it.
* `dynamics`, `relaxation`, `minima`, `training`: these kinds.     * `training_inputs`: what a training run starts from.
* `labelling`, `labelling_inputs`: reference labels.              * `learning_loop`: a model that explores and learns.
* `on_landscape`: runs that find saddles, check minima or compute frequencies in the landscape of another run.
* `engine`, `serve`, `preload`: queue and processes with Dask.    * `inline`: a thread of this process instead.
"""

from so3k_explore.jobs.frames import LiveFrame as LiveFrame
from so3k_explore.jobs.learning_settings import LabelSettings as LabelSettings
from so3k_explore.jobs.learning_settings import LoopSettings as LoopSettings
from so3k_explore.jobs.learning_settings import TrainSettings as TrainSettings
from so3k_explore.jobs.run import Run as Run
from so3k_explore.jobs.runs import Runs as Runs
from so3k_explore.jobs.setting import Settings as Settings
from so3k_explore.jobs.settings import DynamicsSettings as DynamicsSettings
from so3k_explore.jobs.settings import MinimaSettings as MinimaSettings
from so3k_explore.jobs.settings import RecheckSettings as RecheckSettings
from so3k_explore.jobs.settings import RelaxSettings as RelaxSettings
from so3k_explore.jobs.settings import SaddlesSettings as SaddlesSettings
from so3k_explore.jobs.settings import VibrationsSettings as VibrationsSettings
from so3k_explore.jobs.status import RunStatus as RunStatus
from so3k_explore.jobs.store import RunNotFoundError as RunNotFoundError
from so3k_explore.jobs.store import StoreError as StoreError
