#!/bin/bash
# Takes every stage of the large form once, at the smallest size, on the processor: bash gpu_dry_run.sh [WORK]
# Needs .starter/gpu/pack (or PACK) with sprites.bin, sprites.json and tok/.
set -euo pipefail
export W=${1:-/tmp/starter-dry} OUT=${1:-/tmp/starter-dry}/out COUNT=24 FIRST=24 PROCS=2 HELD=8 SITE=/nowhere SAMPLES=1
few="--fit 0 --batch 2 --samples"
export VAE_MORE="$few 4 --crop 64" UNET_MORE="$few 4" INPAINT_MORE="$few 2" FEW_MORE="$few 2"
export WAYS=32 TEACH_MORE="--substeps 1"
rm -rf "$W"; mkdir -p "$OUT"
bash packaging/starter/gpu_call.sh 1800
python3 packaging/starter/shards.py join "$OUT/handover" "$W/joined"
ls -l "$OUT" "$W/joined" "$W/joined/export"
