// Reads a schedule, prints what arrives: by synsim_pathway.h, and by Brian2's own queue.
//
// stdin: whether partners change; threads; sources; synapses, and for each source and partner; number of runs, and for each
// its dt, how many delays and these, its steps, and for each step how many spikes and these.
// stdout: for every arrival "way part turn step synapse".

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#if __has_include("cspikequeue.cpp")
#include "cspikequeue.cpp"
#else // as later versions of Brian2 have it
#include "spikequeue.h"
#endif
#include "synsim_pathway.h"

template <typename T> std::vector<T> read(size_t count)
{
    std::vector<T> found(count);
    for (T &value : found)
        std::cin >> value;
    return found;
}

int main()
{
    int change, threads, sources, synapses, runs;
    std::cin >> change >> threads >> sources >> synapses;
    std::vector<int32_t> pre = read<int32_t>(synapses), partners = read<int32_t>(synapses);
    std::cin >> runs;
    synsim::Pathway &ours = synsim::pathway("ours");
    CSpikeQueue theirs(0, sources);
    int step = 0;
    for (int run = 0; run < runs; run++) {
        double dt;
        int delay_count, steps;
        std::cin >> dt >> delay_count;
        std::vector<double> delays = read<double>(delay_count);
        ours.prepare(0, sources, delays, pre, partners, dt, threads);
        theirs.prepare(delays.data(), delay_count, pre.data(), synapses, dt);
        std::cin >> steps;
        const int turns = ours.turns(change);
        for (int k = 0; k < steps; k++, step++) {
            int count;
            std::cin >> count;
            std::vector<int32_t> spikes = read<int32_t>(count);
            ours.advance(spikes.data(), count);
            theirs.advance();
            theirs.push(spikes.data(), count);
            for (int turn = 0; turn < turns; turn++)
                for (int part = 0; part < ours.count(); part++)
                ours.deliver(
                    part, turn, turns,
                    [&](size_t synapse, int32_t source, int32_t partner) {
                        if (source != pre[synapse] || partner != partners[synapse])
                            std::printf("wrong ends of %d\n", (int)synapse);
                        std::printf("ours %d %d %d %d\n", part, turn, step, (int)synapse);
                    },
                    [](size_t) {});
            for (const int32_t synapse : *theirs.peek())
                std::printf("theirs 0 0 %d %d\n", step, synapse);
        }
    }
}
