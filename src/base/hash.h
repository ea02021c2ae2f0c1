/* base/hash.h - the project's 64-bit hash: checksums of .bin files, keys of data and journals.
 * docs/bin-format.md specifies it. */
#ifndef VN_HASH_H
#define VN_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Hash of `bytes` bytes: eight interleaved lanes of multiply-xorshift. The 8 bytes at offset `skip`, a
 * multiple of 8, count as zero; SIZE_MAX: none. */
uint64_t vn_hash(const void *data, size_t bytes, size_t skip);

#endif
