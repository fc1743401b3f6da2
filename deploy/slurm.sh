#!/bin/bash
# Classify a folder on one node of a cluster; submit again to continue where the time ran out.
#   sbatch deploy/slurm.sh SPECTRA results.parquet
# For many nodes let huggins submit its own workers: huggins classify ... --slurm --jobs 40
#SBATCH --job-name=huggins
#SBATCH --nodes=1
#SBATCH --cpus-per-task=16
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --signal=INT@120
set -euo pipefail
spectra=$1 results=$2
# The fit takes one process for each job; libraries must not add threads of their own.
export OMP_NUM_THREADS=1
resume=()
if [ -e "$results.part" ]; then resume=(--resume); fi
# srun passes the signal on: huggins saves what it has, and the next submission goes on.
srun huggins classify "$spectra" -o "$results" --jobs "${SLURM_CPUS_PER_TASK:-1}" --quiet "${resume[@]}"
