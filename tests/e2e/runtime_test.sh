#!/bin/bash
# The library inside programs: the promises of the malloc family, and every pitfall of a preloaded allocator that we know of.
. "$(dirname "$0")/lib.sh"

is "$(readelf -d "$build/libsonde.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')" libc.so.6 "the library needs libc alone"
stands_for='malloc calloc realloc reallocarray free cfree free_sized free_aligned_sized posix_memalign aligned_alloc memalign valloc pvalloc
    mmap mmap64 munmap mremap brk sbrk _exit _Exit dlclose syscall
    sigaction signal sigprocmask pthread_sigmask sigwait sigwaitinfo sigtimedwait
    pthread_create pthread_join pthread_timedjoin_np pthread_barrier_wait sem_wait sem_timedwait sem_clockwait
    pthread_cond_wait pthread_cond_timedwait pthread_cond_clockwait
    pthread_mutex_lock pthread_mutex_timedlock pthread_mutex_clocklock pthread_mutex_unlock
    _ZdaPv _ZdaPvRKSt9nothrow_t _ZdaPvSt11align_val_t _ZdaPvSt11align_val_tRKSt9nothrow_t _ZdaPvm _ZdaPvmSt11align_val_t
    _ZdlPv _ZdlPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t _ZdlPvm _ZdlPvmSt11align_val_t
    _Znam _ZnamRKSt9nothrow_t _ZnamSt11align_val_t _ZnamSt11align_val_tRKSt9nothrow_t
    _Znwm _ZnwmRKSt9nothrow_t _ZnwmSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t
    pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_rwlock_timedrdlock pthread_rwlock_timedwrlock pthread_rwlock_unlock'
is "$(nm -D --defined-only "$build/libsonde.so" | awk '{print $3}' | grep -v '^sonde_' | sort | xargs)" "$(tr -s ' ' '\n' <<<"$stands_for" | sort | xargs)" \
    "it defines what it has to stand in front of, and nothing else that a program could miss"

unlike "$(nm -D "$build/libsonde.so")" '__tls_get_addr' "its thread state is initial-exec, which nothing allocates"
tls=$((16#$(readelf -lW "$build/libsonde.so" | awk '$1 == "TLS" { sub("0x", "", $6); print $6 }')))
ok $((tls > 128)) "and small enough for any loader ($tls bytes)"

# The family keeps its promises, whether all, some or none of the calls are sampled.
for rate in 1 4096 512KiB 0; do
    is "$(SONDE_RATE=$rate preloaded "$programs/family" 2>&1)" "0 broken" "the malloc family behaves, sampled every $rate bytes"
done
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1)
if [ -n "$jemalloc" ]; then
    is "$(SONDE_RATE=1000 LD_PRELOAD=$build/libsonde.so:$jemalloc "$programs/exceptions" 2>&1)" "1201 caught, aligned" \
        "in front of jemalloc as well"
else
    skip "in front of jemalloc as well" "no libjemalloc2"
fi

# The stack begins at the function that called the allocator.
record=$(SONDE_RATE=1 killed_record "$programs/leaves")
top=$("$sonde" -top "$record" 2>/dev/null)
for function in malloc calloc realloc realloc_grown reallocarray aligned_alloc memalign valloc pvalloc; do
    like "$top" "^ +1MB .* by_$function\$" "a block of $function() is charged to its caller, exactly"
done
like "$top" '^ +1MB .* posix \(inline\)$' "a block of posix_memalign() is, too"
like "$top" 'accounting for 10MB, 100% of 10MB' "what was freed is not counted"
like "$("$sonde" -alloc_space -top "$record" 2>/dev/null)" '^ +6MB .* by_malloc$' "but it is in alloc_space"

# Bootstrap.
plain=$("$programs/bootstrap" 2>&1)
is "$(SONDE_RATE=1 preloaded "$programs/bootstrap" 2>&1)" "$plain" "allocations in constructors, in dlerror() and in destructors work"
is "$(SONDE_RATE=1 LD_PRELOAD="$build/libsonde.so $programs/early.so" "$programs/bootstrap" 2>&1)" "$plain" \
    "with another preloaded library that allocates when it is loaded"
is "$(SONDE_RATE=1 LD_PRELOAD="$programs/early.so $build/libsonde.so" "$programs/bootstrap" 2>&1)" "$plain" "in the other order, too"

# Threads, cancellation, fork, signals, exceptions.
for rate in 1000 512KiB; do
    is "$(SONDE_RATE=$rate preloaded "$programs/threads" 2 with-trouble 2>&1)" "0 broken" \
        "threads hand blocks to each other, are cancelled, forked and interrupted, sampled every $rate bytes"
    is "$(SONDE_RATE=$rate preloaded "$programs/exceptions" 2>&1)" "1201 caught, aligned" "C++ exceptions pass, sampled every $rate bytes"
done
is "$(ls "$SONDE_DIR" | grep -v "${record##*/}")" "" "none of them left a record behind"

# Stacks of every kind.
record=$(SONDE_RATE=64KiB killed_record "$programs/stacks")
traces=$("$sonde" -traces "$record" 2>/dev/null)
# stack_of FUNCTION: its stack on one line, leaf first.
stack_of() {
    awk -v f="$1" '/^---/ { if (s ~ " " f " ") print s; s = ""; next } { s = s " " $NF " " }' <<<"$traces" | tr -s ' '
}
like "$(stack_of on_small_stack)" '^ hold on_small_stack start_thread (__)?clone3? $' "a sample on the smallest thread stack is unwound to its end"
like "$(stack_of in_handler)" '^ hold in_handler __restore_rt .*raise main __libc_start_call_main .* _start $' \
    "one in a signal handler with a stack of its own, through the interrupted function to the end"
like "$(stack_of in_callback)" '^ hold in_callback [a-z_]+ .*main __libc_start_call_main .* _start $' "one in a callback of the C library"
like "$(stack_of in_coroutine)" '^ hold in_coroutine ' "one in a coroutine whose stack is gone afterwards"
like "$(stack_of run_jit)" '^ hold <unknown> run_jit main ' "one below code that a JIT made"
like "$(stack_of with_wild_frame_pointer)" '^ with_wild_frame_pointer $' "and one below assembly that uses the frame pointer for something else"
like "$traces" '  \[truncated\]$' "a stack that is too deep says so"

# Files that come and go.
record=$(SONDE_RATE=4096 killed_record "$programs/loading" "$programs/plugin.so" "$programs/other.so")
top=$("$sonde" -top "$record" 2>/dev/null)
like "$top" '^ +3MB .* plugin_allocate$' "a block of a loaded file is charged to it"
like "$top" '^18.75MB .* others_allocate$|^ +18.75MB .* others_allocate$' "and those of one that was unloaded and replaced in its place are, to that one"

# fork, vfork, exec.
record=$(killed_record "$programs/forks" parent)
top=$("$sonde" -top "$record" 2>/dev/null)
like "$top" '^ +8MB .* parent_holds$' "a parent's record is not touched by a forked child"
unlike "$top" 'child_holds' "which has none of the parent's"
is "$(ls "$SONDE_DIR" | wc -l)" 1 "the child removed its own record when it ended"
for mode in child bare-child; do
    record=$(killed_record "$programs/forks" $mode)
    top=$("$sonde" -top "$record" 2>/dev/null)
    like "$top" '^ +16MB .* child_holds$' "a child that dies leaves a record of its own ($mode)"
    like "$top" '^forked from process [0-9]+' "which says that it was forked"
done
record=$(killed_record "$programs/forks" vfork)
like "$("$sonde" -top "$record" 2>/dev/null)" '^ +8MB .* parent_holds$' "children of vfork and posix_spawn leave the record alone"
record=$(killed_record "$programs/forks" exec)
is "$(ls "$SONDE_DIR" | wc -l)" 1 "a program that calls exec has one record"
rm -f "$SONDE_DIR"/*
LD_PRELOAD=$build/libsonde.so "$programs/forks" exec-bare &
is_asleep() { [ "$(cat /proc/$1/comm)" = sleep ]; }
wait_for is_asleep $!
is "$(ls "$SONDE_DIR" | wc -l)" 1 "one that goes on without the library leaves its old record behind"
"$sonde" oom >/dev/null 2>&1
is "$(ls "$SONDE_DIR" "$SONDE_KEEP" 2>/dev/null | grep -c '[0-9]-[0-9]')" 0 "which is swept away, since it tells of nobody's death"
wait $!

# Endings.
for how in exit:3 _exit:4 return:5; do
    rm -f "$SONDE_DIR"/*
    preloaded "$programs/ending" "${how%:*}"
    is "$? $(ls "$SONDE_DIR")" "${how#*:} " "after ${how%:*} the status is the program's, and no record is left"
done
SONDE_KEEP_EXITED=1 preloaded "$programs/ending" exit
is "$(ls "$SONDE_DIR" | wc -l)" 1 "unless it was asked for"
for how in abort segv term close; do
    record=$(killed_record "$programs/ending" $how)
    like "$("$sonde" -top "$record" 2>/dev/null)" '^ +32MB .* main$' "a program that dies ($how) leaves its record"
done

# Full tables.
record=$(SONDE_RATE=1 killed_record "$programs/many_stacks" stacks)
like "$("$sonde" -alloc_objects -top "$record" 2>/dev/null)" '\[overflow\]$' "stacks that find no room are counted as [overflow]"
like "$("$sonde" -alloc_objects -top "$record" 2>/dev/null)" 'of 100000 total' "and no sample is lost"
record=$(SONDE_RATE=1 killed_record "$programs/many_stacks" blocks)
like "$("$sonde" -top "$record" 2>/dev/null)" '^[0-9]+ samples, .* found no room in the live table' "blocks that find no room are told of"

# No place for the record: one warning, and the program goes on.
status_of() { "$@" >"$tmp/out" 2>"$tmp/err"; echo $?; }
is "$(SONDE_DIR=/proc/nowhere status_of preloaded "$programs/ending" exit)" 3 "a record folder that cannot be made does not stop the program"
like "$(cat "$tmp/err")" 'no record, so no profiles of this process: cannot make one in /proc/nowhere' "and is told of"
mkdir -m 755 "$tmp/small"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=1M none "$tmp/small" 2>/dev/null; then
    is "$(SONDE_DIR=$tmp/small status_of preloaded "$programs/ending" exit)" 3 "a record folder that is full does not stop the program"
    like "$(cat "$tmp/err")" 'no profiles of this process: no room for the record' "and is told of"
    umount "$tmp/small"
else
    skip "a record folder that is full does not stop the program" "cannot mount a small tmpfs"
    skip "and is told of" "cannot mount a small tmpfs"
fi

# Programs that it must leave alone.
if gcc -fsanitize=address -o "$tmp/sanitized" "$here/tests/programs/ending.c" 2>/dev/null; then
    rm -f "$SONDE_DIR"/*
    LD_PRELOAD="$(gcc -print-file-name=libasan.so) $build/libsonde.so" ASAN_OPTIONS=detect_leaks=0 SONDE_KEEP_EXITED=1 \
        "$tmp/sanitized" exit
    is "$? $(ls "$SONDE_DIR")" "3 " "a program with AddressSanitizer runs as without the library"
fi
done_testing
