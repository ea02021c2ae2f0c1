#include "base/escape.h"

#include <stdint.h>
#include <string.h>

/* Bytes of the UTF-8 character at s: 1 to 4; 0: it is none. */
static int utf8_bytes(const uint8_t *s)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const int n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf8 ? 4 : 0;
    uint32_t c = n < 2 ? s[0] : s[0] & (0x7fu >> n);
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    return n && c >= least[n] && c <= 0x10ffff && !(c >= 0xd800 && c < 0xe000) ? n : 0;
}

static int is_control(const uint8_t *s)
{
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

char *vn_escape(char *out, size_t size, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *s = (const uint8_t *)text;
    size_t at = 0;
    while (*s) {
        const int n = utf8_bytes(s), shown = n && !is_control(s);
        if (at + (shown ? (size_t)n : 4) >= size)
            break;
        if (shown) {
            memcpy(out + at, s, (size_t)n);
            at += (size_t)n;
            s += n;
            continue;
        }
        const char hex[] = { '\\', 'x', digits[*s >> 4], digits[*s & 15] };
        memcpy(out + at, hex, sizeof hex);
        at += sizeof hex;
        s++;
    }
    out[at] = 0;
    return out;
}
