#!/bin/bash
# sbatch docs/ci/slurm-array.sh: an array of eight shards; afterwards, once all have ended:
#   crucible merge reports/shard-*.db --ledger reports/ledger.db
#SBATCH --job-name=crucible
#SBATCH --array=1-8
#SBATCH --cpus-per-task=4
#SBATCH --time=01:00:00
set -u
part="$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"
# Each shard has a ledger of its own: SQLite's write-ahead log is not made for a network file system.
ledger="$(mktemp -d)/shard.db"
pytest suites/ --epoch 20 -n "$SLURM_CPUS_PER_TASK" --shard "$part" --ledger "$ledger"
status=$?
cp "$ledger" "reports/shard-$SLURM_ARRAY_TASK_ID.db"
exit $status
