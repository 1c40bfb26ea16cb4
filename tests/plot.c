#include "plot.h"

#include <stdlib.h>
#include <sys/stat.h>

enum {
    WIDTH = 1000,
    HEIGHT = 260,
    LEFT = 60,
    TOP = 24,
    BOTTOM = 24,
    PANELS = 2,
    GRID = 4
};

bool plot_begin(struct plot *p, const char *name, double seconds)
{
    char path[1024];
    const char *dir = getenv("SLUICE_BUILD");
    if (!dir || (size_t)snprintf(path, sizeof path, "%s/plots", dir) >= sizeof path)
        return false;
    (void)mkdir(path, 0777);
    if ((size_t)snprintf(path, sizeof path, "%s/plots/%s.svg", dir, name) >= sizeof path)
        return false;
    *p = (struct plot){.f = fopen(path, "w"), .seconds = seconds, .panel = -1};
    if (!p->f)
        return false;
    fprintf(p->f,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
            "font-family='sans-serif' font-size='11'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            WIDTH, HEIGHT * PANELS);
    return true;
}

static void end_line(struct plot *p)
{
    if (p->line)
        fputs("'/>\n", p->f);
    p->line = false;
}

static double x_of(const struct plot *p, double seconds)
{
    return LEFT + (WIDTH - LEFT - 10) * seconds / p->seconds;
}

static double y_of(const struct plot *p, double v)
{
    double share = v / p->top;
    return p->panel * HEIGHT + TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
}

void plot_panel(struct plot *p, const char *title, double top)
{
    end_line(p);
    p->panel++;
    p->top = top > 0 ? top : 1;
    fprintf(p->f, "<text x='%d' y='%d'>%s</text>\n", LEFT, p->panel * HEIGHT + 15, title);
    for (int i = 0; i <= GRID; i++) {
        double v = p->top * i / GRID, s = p->seconds * i / GRID;
        fprintf(p->f,
                "<path stroke='#eee' d='M%d %.1fH%d'/><text x='2' y='%.1f'>%.0f</text>"
                "<text x='%.1f' y='%d'>%.0f s</text>\n",
                LEFT, y_of(p, v), WIDTH - 10, y_of(p, v) + 4, v, x_of(p, s) - 10,
                (p->panel + 1) * HEIGHT - 8, s);
    }
}

void plot_line(struct plot *p, const char *colour, double width)
{
    end_line(p);
    fprintf(p->f, "<polyline fill='none' stroke='%s' stroke-width='%.1f' points='",
            colour, width);
    p->line = true;
}

void plot_point(struct plot *p, double seconds, double v)
{
    fprintf(p->f, "%.1f,%.1f ", x_of(p, seconds), y_of(p, v));
}

void plot_end(struct plot *p)
{
    end_line(p);
    fputs("</svg>\n", p->f);
    (void)fclose(p->f);
}
