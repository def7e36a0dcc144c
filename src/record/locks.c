// What threads waited for each other: "block" by who waited, "mutex" by who let them wait.
#include "record/reading.h"

// Frames that only pass a wait on: the C++ library's and Rust's own.
#define DROP_FRAMES                                                                                \
    "__gthread_.*|std::__condvar::.*|std::condition_variable.*::wait.*|"                           \
    "std::(__)?(timed_|recursive_|shared_)*mutex.*::(un)?lock.*|std::__shared_mutex_pthread::.*|"  \
    "std::(__glibcxx_|)rwlock_.*|std::(unique_lock|lock_guard|scoped_lock|shared_lock)::.*|"       \
    "std::thread::join|<?std::sys::.*([Ff]utex|::join).*|"                                         \
    "<?std::sync::.*(Mutex|RwLock|Condvar).*::(lock|read|write|wait.*)|"                           \
    "<?parking_lot(_core)?::.*|<?lock_api::.*|absl::(.*::)?(Mutex|CondVar).*::.*"

static const char *const lock_name[RECORD_NLOCK] = {
    [RECORD_LOCK_MUTEX] = "mutex",         [RECORD_LOCK_RWLOCK] = "rwlock",
    [RECORD_LOCK_CONDITION] = "condition", [RECORD_LOCK_SEMAPHORE] = "semaphore",
    [RECORD_LOCK_JOIN] = "join",           [RECORD_LOCK_BARRIER] = "barrier",
    [RECORD_LOCK_FUTEX] = "futex",
};

static void add_stack(struct reading *r, const struct record_stack *s, u32 word, void *context)
{
    struct reading_label label = {.key = STR("lock")};
    u32 nlabel = 0;
    (void)word;
    (void)context;
    if (s->amount == 0 || s->amount > INT64_MAX)
        return;
    if (s->detail < RECORD_NLOCK && lock_name[s->detail]) {
        label.text = str_of(lock_name[s->detail]);
        nlabel = 1;
    }
    reading_sample(r, s, &label, nlabel);
    build_value(&r->b, reading_objects(s->count));
    build_value(&r->b, (i64)s->amount);
}

static struct profile read_locks(const struct record_view *v, u16 kind, i64 time_ns,
                                 struct arena *a)
{
    static const char *const type[][2] = {{"contentions", "count"}, {"delay", "nanoseconds"}};
    struct reading r;
    reading_init(&r, v, a);
    reading_types(&r, type, ARRAY_LEN(type));
    reading_stacks(&r, kind, add_stack, NULL);
    // As Go's: a period of one contention, since the values are estimates of all.
    reading_period(&r, "contentions", "count", 1);
    r.b.p.drop_frames = build_string(&r.b, STR(DROP_FRAMES));
    r.b.p.time_ns = time_ns;
    return r.b.p;
}

struct profile record_block(const struct record_view *v, i64 time_ns, struct arena *a)
{
    return read_locks(v, RECORD_BLOCK, time_ns, a);
}

struct profile record_mutex(const struct record_view *v, i64 time_ns, struct arena *a)
{
    return read_locks(v, RECORD_MUTEX, time_ns, a);
}
