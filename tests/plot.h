#pragma once

/* For tests: lines over time as SVG, in panels below each other, for people to look at. */

#include <stdbool.h>
#include <stdio.h>

struct plot {
    FILE *f;
    double seconds, top; /* of the panel */
    int panel;
    bool line;
};

/* Opens SLUICE_BUILD/plots/NAME.svg. False: nobody set SLUICE_BUILD, or it cannot be written;
 * that is no failure of what is tested. */
bool plot_begin(struct plot *p, const char *name, double seconds);
void plot_panel(struct plot *p, const char *title, double top);
void plot_line(struct plot *p, const char *colour, double width);
void plot_point(struct plot *p, double seconds, double v);
void plot_end(struct plot *p);
