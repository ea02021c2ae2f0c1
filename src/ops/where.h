/* ops/where.h - what If sets of the Where that it becomes. */
#ifndef VN_WHERE_H
#define VN_WHERE_H

/* In memory only: no attribute of files. */
struct where_attrs {
    int same_shape; /* both choices must have one shape: nothing is broadcast */
};

#endif
