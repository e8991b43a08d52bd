#!/bin/bash
# sbatch docs/ci/slurm-array.sh: an array of eight shards; afterwards, once all have ended:
#   crucible merge reports/shard-*.db --ledger reports/ledger.db
#   crucible show --run latest --ledger reports/ledger.db
# The exit status of the last line is 1 if a shard is missing, a case failed or a gate fails.
#SBATCH --job-name=crucible
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --time=01:00:00
set -u
part="$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
# Each shard has a ledger of its own: SQLite's write-ahead log is not made for a network file system.
folder="$(mktemp -d)"
# One seed for all: shards are parts of one run only if they judge on the same hidden inputs.
pytest suites/ --epoch 20 -n "$SLURM_CPUS_PER_TASK" --shard "$part" --secret-seed "$SLURM_ARRAY_JOB_ID" \
  --ledger "$folder/shard.db" --report "$folder/index.html"
status=$?
mkdir -p reports
if [ -f "$folder/shard.db" ]; then  # there is none if pytest refused to begin (status 4)
  cp "$folder/shard.db" "reports/shard-$SLURM_ARRAY_TASK_ID.db"
fi
exit $status
