// Reads "seed draws", then lines "n p"; writes how often each of 0 .. n was drawn.
#include "synsim_random.h"

#include <cstdio>
#include <vector>

int main()
{
    unsigned long seed;
    int draws, n;
    double p;
    if (std::scanf("%lu %d", &seed, &draws) != 2)
        return 1;
    // stands for Brian2's generator
    uint64_t state = seed;
    auto uniform = [&state]() {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return (double)(state >> 11) / 9007199254740992.0;
    };
    while (std::scanf("%d %lf", &n, &p) == 2) {
        std::vector<long> counts(n > 0 ? n + 1 : 1);
        for (int draw = 0; draw < draws; draw++)
            counts.at(synsim::binomial(n, p, synsim::random_words(uniform)))++;
        for (long count : counts)
            std::printf("%ld ", count);
        std::printf("\n");
    }
}
