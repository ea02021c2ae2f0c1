/* base/flag.h - a flag that another thread or a signal handler sets. */
#ifndef VN_FLAG_H
#define VN_FLAG_H

/* NULL is never set. */
static inline int vn_flag_is_set(const volatile int *flag)
{
    return flag && __atomic_load_n(flag, __ATOMIC_RELAXED);
}

#endif
