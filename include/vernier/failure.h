/* vernier/failure.h - what every failure says, in every command with --json. */
#ifndef VERNIER_FAILURE_H
#define VERNIER_FAILURE_H

#ifdef __cplusplus
extern "C" {
#endif

/* NOT STABLE: causes are added, and evidence is worded anew. Strings belong to where the failure comes
 * from. */
struct vn_failure {
    const char *cause; /* a word: "normalised", "usage", ... */
    const char *evidence; /* a sentence with place and numbers */
    const char *next_command; /* a command line for a shell; NULL: the caller knows one */
};

#ifdef __cplusplus
}
#endif
#endif
