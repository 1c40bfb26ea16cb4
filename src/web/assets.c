#include "web/assets.h"

const struct asset *sl_asset_find(struct span path)
{
    for (size_t i = 0; i < sl_asset_count; i++)
        if (span_is(path, sl_asset_table[i].path))
            return &sl_asset_table[i];
    return NULL;
}
