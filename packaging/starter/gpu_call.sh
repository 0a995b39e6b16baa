#!/bin/bash
# One call on the graphics machine, from the repository's root: starts the pipeline where it does not run yet, waits,
# hands over what there is below $OUT.   bash packaging/starter/gpu_call.sh SECONDS [FILE TO WAIT FOR]
set -euo pipefail
export W=${W:-/tmp/starter} PACK=${PACK:-.starter/gpu/pack} SITE=${SITE:-/tmp/site} WHEELS=${WHEELS:-.starter/gpu/whl}
if compgen -G "$WHEELS/*.whl" > /dev/null && [ ! -d "$SITE" ]; then
  python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$SITE" "$WHEELS"/*.whl
fi
export PYTHONPATH=$SITE PYTHONUNBUFFERED=1
if ! { [ -e "$W/pipeline.pid" ] && kill -0 "$(cat "$W/pipeline.pid")" 2> /dev/null; } && [ ! -e "$W/all.done" ]; then
  mkdir -p "$W/code/packaging"
  cp -r packaging/starter "$W/code/packaging/"
  cp -rn "$PACK"/. "$W/"
  (cd "$W" && exec setsid nohup bash code/packaging/starter/gpu_pipeline.sh > pipeline.txt 2>&1 < /dev/null) &
  sleep 2
fi
python3 "$W/code/packaging/starter/gpu_collect.py" "$W" "$OUT" --wait "$1" --until "${2:-all.done}" \
  --samples "${SAMPLES:-64}"
