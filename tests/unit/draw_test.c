#include <math.h>
#include <stdlib.h>

#include "../tap.h"
#include "runtime/runtime.h"

static void test_chance(void)
{
    double worst = 0;
    for (size_t size = 1; size < (size_t)1 << 34; size += 1 + size / 7) {
        double wanted = -expm1(-(double)size / 524288.0), got = draw_chance(size, 524288);
        worst = fmax(worst, fabs(got - wanted) / wanted);
    }
    ok(worst < 1e-12, "the chance of a sample is 1 - e^(-size / rate), to %.1g", worst);
}

static void test_distance(void)
{
    enum { DRAWS = 1000000, MEAN = 524288 };
    u64 random = 12345;
    double sum = 0, squares = 0;
    u32 below = 0;
    for (u32 i = 0; i < DRAWS; i++) {
        double d = (double)draw_distance(&random, MEAN);
        sum += d;
        squares += d * d;
        below += d < MEAN;
    }
    double mean = sum / DRAWS, deviation = sqrt(squares / DRAWS - mean * mean);
    ok(fabs(mean / MEAN - 1) < 0.005, "distances have the rate as their mean (%.4f)", mean / MEAN);
    ok(fabs(deviation / MEAN - 1) < 0.01, "and as their deviation (%.4f)", deviation / MEAN);
    ok(fabs((double)below / DRAWS - (1 - exp(-1))) < 0.003,
       "and are below it in 63.2%% of all cases (%.4f)", (double)below / DRAWS);
}

int main(void)
{
    test_chance();
    test_distance();
    return done();
}
