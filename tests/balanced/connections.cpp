// Connects as a network does, and prints the pairs: stands in for Brian2's classes, which are unused.
#include <cstdio>
#include <vector>

struct SynapticPathway {
    std::vector<int> *peek() { return nullptr; }
};
struct Clock {
    void tick() {}
};
#include "synsim_network.h"

int main()
{
    int first_source, sources, first_target, targets, inputs;
    unsigned seed;
    while (std::scanf("%u %d %d %d %d %d", &seed, &first_source, &sources, &first_target, &targets,
                      &inputs) == 6) {
        std::vector<int32_t> pre, post, incoming(first_target + targets),
            outgoing(first_source + sources);
        synsim::Words words;
        double next = seed;
        synsim::begin(words, [&]() { return next = std::fmod(next * 0.7548776662466927 + 0.1, 1); });
        synsim::connect(pre, post, incoming, outgoing, {first_source, sources},
                        {first_target, targets}, inputs, words);
        for (size_t k = 0; k < pre.size(); k++)
            std::printf("%d %d ", pre[k], post[k]);
        for (int source = 0; source < sources; source++)
            std::printf("%d ", outgoing[first_source + source]);
        std::printf("\n");
    }
    return 0;
}
