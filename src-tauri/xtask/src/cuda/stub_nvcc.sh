#!/bin/sh
# Stands in for nvcc where only the types of the program around the kernels are checked: makes the files it is asked for, empty.
case "$1" in
    --version)
        echo "Cuda compilation tools, release 13.0, V13.0.0"
        exit 0
        ;;
    --list-gpu-code)
        echo sm_80
        exit 0
        ;;
esac
out= folder= source=
while [ $# -gt 0 ]; do
    case "$1" in
        -o)
            shift
            out=$1
            ;;
        --output-directory)
            shift
            folder=$1
            ;;
        *.cu) source=${1##*/} ;;
    esac
    shift
done
case "$out" in
    '') ;;
    *.a) echo '!<arch>' > "$out" ;; # The linker takes no other empty archive.
    *) : > "$out" ;;
esac
if [ -n "$folder" ]; then : > "$folder/${source%.cu}.ptx"; fi
