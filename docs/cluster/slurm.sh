#!/bin/bash
# The grid of grid.sh under SLURM. In the checkout, where sbatch is:
#   bash docs/cluster/slurm.sh
# submits an array of jobs for each step, each after all of the one before. Give it again, when no
# job of it is left, after failures or the end of a job's time: it goes on, and what is finished ends
# at once.
#SBATCH --job-name=synthmed
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=08:00:00
#SBATCH --signal=TERM@60
#SBATCH --open-mode=append
#SBATCH --kill-on-invalid-dep=yes
# With a GPU each: #SBATCH --gres=gpu:1
set -euo pipefail
grid=docs/cluster/grid.sh

if [[ -n ${SLURM_ARRAY_TASK_ID:-} ]]; then # in a job
  # Since Slurm 22.05, srun does not take the number of cores from the job.
  exec srun --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" bash "$grid" "$1" "$SLURM_ARRAY_TASK_ID"
fi

before=""
for step in prepare classify finish; do
  last=$(($(bash "$grid" count "$step") - 1))
  job=$(sbatch --parsable --array="0-$last" ${before:+--dependency="afterok:$before"} "$0" "$step")
  before=${job%%;*} # "number;cluster" on some
  echo "$step: array job $before, tasks 0 to $last"
done
