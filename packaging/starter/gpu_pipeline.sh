#!/bin/bash
# Runs every stage of the large form on a graphics machine, one after another; each goes on from what is there.
# Start it detached (setsid), so that it outlasts the command that starts it; gpu_collect.py waits and hands over.
# W: working folder with code/, sprites.bin, sprites.json, tok/. Seconds for each stage: VAE_S, UNET_S, INPAINT_S, FEW_S.
# WAYS: pictures that the four-step form learns from, drawn on the processor's cores while the sibling is trained.
set -euo pipefail
W=${W:-/tmp/starter} COUNT=${COUNT:-200000} FIRST=${FIRST:-12000} PROCS=${PROCS:-16} PROFILE=${PROFILE:-gpu256}
VAE_S=${VAE_S:-230} UNET_S=${UNET_S:-900} INPAINT_S=${INPAINT_S:-130} FEW_S=${FEW_S:-100} HELD=${HELD:-512}
VAE_MORE=${VAE_MORE:-} UNET_MORE=${UNET_MORE:-} INPAINT_MORE=${INPAINT_MORE:-} FEW_MORE=${FEW_MORE:-}
WAYS=${WAYS:-640} TEACH_MORE=${TEACH_MORE:-}
cd "$W"; mkdir -p data run; S=code/packaging/starter; echo $$ > pipeline.pid; export PYTHONUNBUFFERED=1
note() { echo "$(date +%T) $*" >> progress.txt; }

note "composing $FIRST pictures for the autoencoder"
python3 $S/make_data.py sprites data/first "$FIRST" --form large --procs "$PROCS" --seed 1 >> compose.txt 2>&1
note "composing $COUNT more beside it, autoencoder for $VAE_S s"
nice python3 $S/make_data.py sprites data/main "$COUNT" --form large --procs "$PROCS" --seed 2 >> compose.txt 2>&1 &
composing=$!
if [ -n "${COMPOSE_ONLY:-}" ]; then wait $composing; note "composed"; exit 0; fi
if [ -d handover/export/vae ] && [ ! -e vae.done ]; then cp -r handover/export/vae run/vae && touch vae.done; fi
[ -e vae.done ] || python3 $S/train_vae.py data/first run/vae --profile "$PROFILE" --held "$HELD" --every 200000 \
  --samples 3000000 --fit "$VAE_S" $VAE_MORE >> vae.txt 2>&1
touch vae.done
wait $composing
note "encoding"
[ -e data/main.lat.pt ] || python3 $S/encode_latents.py run/vae data/main data/main.lat.pt >> vae.txt 2>&1
rm -f data/first.npy
note "text encoder and UNet for $UNET_S s"
more=(); [ -d handover/export ] && more=(--start handover/export --after handover/export/training_log.json)
[ -e unet.done ] || python3 $S/train_unet.py data/main data/main.lat.pt run/vae tok run/main --profile "$PROFILE" \
  --held "$HELD" --samples 9000000 --every 200000 --fit "$UNET_S" "${more[@]}" $UNET_MORE >> unet.txt 2>&1
touch unet.done
note "inpainting sibling for $INPAINT_S s; $WAYS ways to learn four steps from are drawn beside it"
nice python3 $S/teach_fewstep.py data/main run/main run/ways --count "$WAYS" --procs "$PROCS" $TEACH_MORE \
  >> fewstep.txt 2>&1 &
teaching=$!
python3 $S/train_inpaint.py data/main data/main.lat.pt run/main run/inpaint --profile "$PROFILE" --held "$HELD" \
  --samples 900000 --every 100000 --fit "$INPAINT_S" $INPAINT_MORE >> inpaint.txt 2>&1
wait $teaching
note "four steps for $FEW_S s"
python3 $S/train_fewstep.py data/main run/ways run/main run/fewstep --profile "$PROFILE" \
  --samples 300000 --every 50000 --fit "$FEW_S" $FEW_MORE >> fewstep.txt 2>&1
cp run/fewstep/starter_four_steps.safetensors run/fewstep.safetensors
python3 $S/low_rank.py store run/main/unet run/inpaint/unet run/inpaint.safetensors --rank 24 >> inpaint.txt 2>&1
touch all.done
note "all done"
