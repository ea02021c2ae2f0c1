/* vernier/finding.h - what calibration data look like where they do not look right. */
#ifndef VERNIER_FINDING_H
#define VERNIER_FINDING_H

#ifdef __cplusplus
extern "C" {
#endif

enum vn_severity {
    VN_FINDING_ERROR, /* a conversion stops, unless told to accept the data */
    VN_FINDING_DOUBT, /* the conversion's results are not to be trusted */
    VN_FINDING_WARNING, /* worth a look */
};
const char *vn_severity_word(enum vn_severity s); /* "error", "doubt", "warning" */

/* Strings belong to the result that the finding comes from. */
struct vn_finding {
    const char *detector; /* the same word in every version: "layout" */
    enum vn_severity severity;
    const char *input; /* the network's input, by name */
    const char *text; /* for people: what is wrong, why, and what to do */
    const char *setting; /* keys that would repair it, "KEY=VALUE;KEY=VALUE"; NULL: not known as such */
};

/* Detector i = 0, 1, ...; returns 0 behind the last one. Strings are static. */
int vn_finding_detector(int i, const char **name, enum vn_severity *severity, const char **looks_at);

#ifdef __cplusplus
}
#endif
#endif
