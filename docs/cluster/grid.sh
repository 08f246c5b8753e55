#!/bin/bash
# A grid of runs on a cluster: every config under every master seed is a workdir, and PARTS processes
# share the trainings of its networks. Set these for your grid; docs/cluster.md says how to run it.
# Seeds 0 to 8 were watched while the presets were made: pooling leaves them out.
RUNS=${RUNS:-/runs}                           # on a disk that all machines see, and that has locks
CONFIGS=(configs/all_ddpm.py:cpu configs/covid_ddpm.py:cpu)
SEEDS=(11 12 13 14)
PARTS=4                                       # of the trainings of each workdir
BEFORE=split,diffusion,generate               # and filter, where generate.filter is set
OPTIONS=(                                     # the same in every step
  --config.data.dir="${DATA:-/data}"
  "--config.classifier.backbones=resnet18,densenet121,mobilenet_v2"
)

# bash grid.sh count STEP         how many tasks a step has
# bash grid.sh STEP TASK          does one of them, from 0
# Steps, each after all tasks of the one before:
#   prepare   a workdir up to its synthetic images
#   classify  one part of the trainings of a workdir
#   finish    what is left of a workdir, up to its report
set -euo pipefail

fail() {
  echo "grid.sh: $1" >&2
  exit 2
}

count() {
  local workdirs=$((${#CONFIGS[@]} * ${#SEEDS[@]}))
  case $1 in
    prepare | finish) echo "$workdirs" ;;
    classify) echo $((workdirs * PARTS)) ;;
    *) fail "no step '$1': prepare, classify or finish" ;;
  esac
}

(($# == 2)) || fail "give 'count STEP', or a step and the number of a task"
if [[ $1 == count ]]; then
  count "$2"
  exit
fi
step=$1 task=$2
tasks=$(count "$step")
if [[ ! $task =~ ^(0|[1-9][0-9]*)$ ]] || ((task >= tasks)); then
  fail "step $step has the tasks 0 to $((tasks - 1)), not '$task'"
fi

workdir=$task
if [[ $step == classify ]]; then
  workdir=$((task / PARTS))
fi
config=${CONFIGS[workdir / ${#SEEDS[@]}]}
seed=${SEEDS[workdir % ${#SEEDS[@]}]}
name=$(basename "${config%%.py*}")
read -r -a program <<< "${PROGRAM:-.venv/bin/python main.py}"
command=(
  "${program[@]}" --config="$config" --config.seed="$seed" --workdir="$RUNS/$name-s$seed"
  "${OPTIONS[@]}"
)
case $step in
  prepare) command+=(--stages="$BEFORE") ;;
  classify) command+=(--stages=classify --shard="$((task % PARTS + 1))/$PARTS") ;;
esac
exec "${command[@]}"
