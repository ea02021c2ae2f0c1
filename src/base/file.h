/* base/file.h - files: mapped for reading, replaced whole for writing. */
#ifndef VN_BASE_FILE_H
#define VN_BASE_FILE_H

#include "base/arena.h"
#include "base/err.h"

/* Map a regular file for reading; the mapping lives as long as the arena. Empty files give bytes = 0 and a
 * valid pointer. */
int vn_file_map(struct vn_arena *a, const char *path, const uint8_t **data, size_t *bytes, struct vn_err *e);

/* The lines of a text file, without "\n" or "\r\n"; lines[n] is NULL. Not one with a zero byte. */
int vn_file_lines(struct vn_arena *a, const char *path, char ***lines, int *n, struct vn_err *e);

/* Let go of the memory of a whole mapping, which stays: what is looked at again is read again. */
void vn_file_forget(const uint8_t *data, size_t bytes);

/* Write to a temporary name beside `path`, flush to disk, rename: readers see the old file or the whole new
 * one. */
int vn_file_write(const char *path, const void *data, size_t bytes, struct vn_err *e);

/* Likewise, but without waiting for the disk: for many files whose hashes are kept, so that a loss of power
 * shows. */
int vn_file_write_soon(const char *path, const void *data, size_t bytes, struct vn_err *e);

/* The same in pieces: write to `stream`, then commit or abandon. */
struct vn_file_out;
int vn_file_create(struct vn_file_out **out, struct vn_arena *a, const char *path, struct vn_err *e);
int vn_file_put(struct vn_file_out *out, const void *data, size_t bytes, struct vn_err *e);
int vn_file_commit(struct vn_file_out *out,
                   struct vn_err *e); /* without it the temporary file is removed with the arena */

int vn_file_exists(const char *path);
int vn_dir_exists(const char *path);
int vn_dir_make(const char *path, struct vn_err *e); /* with parents; an existing folder is fine */
/* Would vn_dir_make succeed, and could files be made there? Nothing is made. */
int vn_dir_may_make(const char *path, struct vn_err *e);

/* A hidden folder in `folder`, for files that appear there together; what is left goes with the arena. */
struct vn_staging;
int vn_dir_stage(struct vn_staging **out, struct vn_arena *a, const char *folder, struct vn_err *e);
const char *vn_dir_stage_path(const struct vn_staging *s);
int vn_dir_stage_commit(struct vn_staging *s, struct vn_err *e); /* its files move into `folder` */

/* Names of the regular files in a folder, sorted bytewise, hidden ones left out. */
int vn_dir_list(struct vn_arena *a, const char *path, const char ***names, int *n, struct vn_err *e);
/* Likewise the sub-folders. */
int vn_dir_folders(struct vn_arena *a, const char *path, const char ***names, int *n, struct vn_err *e);
/* folder/name; an absolute name, or one in ".", is returned unchanged. */
const char *vn_path_join(struct vn_arena *a, const char *folder, const char *name);
const char *vn_path_folder(struct vn_arena *a, const char *path); /* "." where there is none */
const char *vn_path_base(const char *path);
const char *vn_path_stem(struct vn_arena *a, const char *path); /* base name without its last extension */
/* A file's name for any text: '/', ':' and '\' become '_', a leading '.' gets one in front, long ones are
 * cut. `taken` holds the names given before: another text that would get the same has "-2", "-3", ... behind
 * it. */
const char *vn_file_name(struct vn_arena *a, struct vn_map *taken, const char *text);
int vn_path_has_suffix(const char *path, const char *suffix); /* case is ignored */

#endif
