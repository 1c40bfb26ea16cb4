#include "room/claims.h"

static bool unreserved(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

bool sl_name_valid(struct span name)
{
    if (name.n == 0 || name.n > NAME_MAX_LEN || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (!unreserved(name.p[i]))
            return false;
    return true;
}

bool sl_claims_pattern_valid(struct span pattern)
{
    if (pattern.n > 0 && pattern.p[pattern.n - 1] == '*')
        pattern.n--;
    else if (pattern.n == 0)
        return false;
    return pattern.n == 0 || sl_name_valid(pattern);
}

static bool match(struct span pattern, struct span name)
{
    if (pattern.n == 0 || pattern.p[pattern.n - 1] != '*')
        return span_eq(pattern, name);
    size_t n = pattern.n - 1;
    return name.n >= n && memcmp(name.p, pattern.p, n) == 0;
}

bool sl_claims_permit(const struct claims *c, enum may what, struct span room)
{
    return (c->may & ((unsigned)what | MAY_ADMIN)) != 0 && sl_name_valid(room) &&
           match(span_of(c->rooms), room);
}
