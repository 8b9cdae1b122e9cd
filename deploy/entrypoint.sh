#!/bin/sh
# Starts kqi in the image, whose files nobody can write to. The kernels were compiled when it was built; numba takes a cache
# only where it can write. So it gets one of links to them: instant, and what is missing (another processor) goes beside them.
set -eu
if [ ! -e "$NUMBA_CACHE_DIR" ]; then
    rm -rf "$NUMBA_CACHE_DIR.new" # of a start that was broken off
    cp -R -s --no-preserve=mode "$KERNELS" "$NUMBA_CACHE_DIR.new"
    mv "$NUMBA_CACHE_DIR.new" "$NUMBA_CACHE_DIR"
fi
exec kqi "$@"
