// What a recurrent network needs beside Brian2's own objects: connections with a fixed number of
// inputs, an external drive of Poisson events, spikes written as they come, sums over synapses.

#ifndef SYNSIM_NETWORK_H
#define SYNSIM_NETWORK_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "synsim_random.h"
#include "synsim_run.h"

namespace synsim {

// Draws different sources for one target after another: the first steps of a Fisher-Yates shuffle,
// which may begin from any order that is there.
class Draws {
    std::vector<int32_t> order;
    Words words;

public:
    Draws(int32_t sources, const Words &random) : order(sources), words(random)
    {
        std::iota(order.begin(), order.end(), 0);
    }
    // `self` is never drawn; -1 where the target is not among the sources
    template <typename Take> void take(int64_t inputs, int32_t self, Take chosen)
    {
        const int64_t count = (int64_t)order.size();
        for (int64_t k = 0; k < inputs; k++) {
            pick(k, k, count);
            if (order[k] == self)
                pick(k, k + 1, count);
            chosen(order[k]);
        }
    }

private:
    void pick(int64_t k, int64_t from, int64_t to)
    {
        const uint64_t range = (uint64_t)(to - from);
        const int64_t other = from + (int64_t)(((words.next() >> 32) * range) >> 32);
        std::swap(order[k], order[other]);
    }
};

// Numbers of the neurons on one side of the connections, as the whole group counts them.
struct Range {
    int32_t first, count;
};

// Every target gets `inputs` different sources, none of them itself. Synapses lie in the order of
// their sources, so that a presynaptic spike finds its own side by side; the same draws
// are made twice, first to count, so that nothing else has to be kept.
inline void connect(std::vector<int32_t> &pre, std::vector<int32_t> &post,
                    std::vector<int32_t> &incoming, std::vector<int32_t> &outgoing, Range sources,
                    Range targets, int64_t inputs, const Words &begun)
{
    std::vector<int64_t> place(sources.count + 1, 0);
    Draws counted(sources.count, begun);
    const auto self = [&](int32_t target) {
        const int32_t number = targets.first + target - sources.first;
        return number >= 0 && number < sources.count ? number : -1;
    };
    for (int32_t target = 0; target < targets.count; target++)
        counted.take(inputs, self(target), [&](int32_t source) { place[source + 1]++; });
    for (int32_t source = 0; source < sources.count; source++) {
        outgoing[sources.first + source] = (int32_t)place[source + 1];
        place[source + 1] += place[source];
    }
    const int64_t total = place[sources.count];
    pre.resize(total);
    post.resize(total);
    for (int32_t source = 0; source < sources.count; source++)
        std::fill(pre.begin() + place[source], pre.begin() + place[source + 1],
                  sources.first + source);
    Draws placed(sources.count, begun);
    for (int32_t target = 0; target < targets.count; target++) {
        placed.take(inputs, self(target),
                    [&](int32_t source) { post[place[source]++] = targets.first + target; });
        incoming[targets.first + target] = (int32_t)inputs;
    }
}

// Independent Poisson numbers of events for every neuron and step, each event a jump of v; lost
// while the neuron is refractory.
class Drive {
    double *v;
    const char *responsive;
    const size_t neurons;
    const double jump;
    Words words;
    std::vector<double> below; // distribution function
    int guess[256];            // where to begin to look, by the first 8 bits

public:
    Drive(double *potential, const char *not_refractory, size_t count, double mean, double by,
          const Words &random)
        : v(potential), responsive(not_refractory), neurons(count), jump(by), words(random)
    {
        double chance = std::exp(-mean), sum = chance;
        for (int k = 1;; k++) {
            below.push_back(sum);
            if (chance < 1e-18 && k > mean)
                break;
            chance *= mean / k;
            sum += chance;
        }
        below.back() = 2; // all that is left
        for (int first = 0, k = 0; first < 256; first++) {
            while (below[k] <= first / 256.0)
                k++;
            guess[first] = k;
        }
    }
    void step()
    {
        for (size_t neuron = 0; neuron < neurons; neuron++) {
            const uint64_t word = words.next();
            const double uniform = (double)(word >> 11) / 9007199254740992.0;
            int events = guess[word >> 56];
            while (below[events] <= uniform)
                events++;
            if (responsive[neuron])
                v[neuron] += events * jump;
        }
    }
};

// Step and neuron of every spike, written as they come: memory does not grow with them.
class SpikeFile {
    std::FILE *file;
    std::string path;
    std::vector<int32_t> waiting;

public:
    explicit SpikeFile(const std::string &to) : file(std::fopen(to.c_str(), "wb")), path(to)
    {
        if (!file)
            fail("cannot write " + path);
        waiting.reserve(1 << 16);
    }
    void record(int64_t step, const int32_t *spikespace, int32_t neurons)
    {
        for (int32_t k = 0; k < spikespace[neurons]; k++) {
            waiting.push_back((int32_t)step);
            waiting.push_back(spikespace[k]);
        }
        if (waiting.size() >= (1 << 15))
            flush();
    }
    void flush()
    {
        if (waiting.size() &&
            std::fwrite(waiting.data(), sizeof(int32_t), waiting.size(), file) != waiting.size())
            fail("cannot write " + path + ": is the disk full?");
        waiting.clear();
    }
    void close()
    {
        flush();
        if (std::fclose(file) != 0)
            fail("cannot write " + path + ": is the disk full?");
    }
};

inline double sum(const std::vector<double> &values)
{
    return std::accumulate(values.begin(), values.end(), 0.0);
}

// Count, mean, sum of squared deviations, and how many values lie in each of equal bins of [0, 1].
inline void write_distribution(Output &out, const std::vector<double> &values, int64_t bins)
{
    const double mean = values.empty() ? 0 : sum(values) / values.size();
    double squares = 0;
    std::vector<int64_t> count(bins, 0);
    for (const double value : values) {
        squares += (value - mean) * (value - mean);
        count[std::min<int64_t>(bins - 1, std::max<int64_t>(0, (int64_t)(value * bins)))]++;
    }
    out.array(&mean, 1);
    out.array(&squares, 1);
    out.vector(count);
}

// A cost so far: of every synapse, or where it is the same at all synapses of a terminal, kept once
// for these, of every terminal, and then each counts as often as it has synapses.
struct Meter {
    const std::vector<double> *values;
    const std::vector<int32_t> *synapses; // of each terminal; null for a value of each synapse

    double total() const
    {
        if (!synapses)
            return sum(*values);
        double all = 0;
        for (size_t k = 0; k < std::min(values->size(), synapses->size()); k++)
            all += (*values)[k] * (*synapses)[k];
        return all;
    }
};

// What meters hold, at the end of settling and at the end.
class Meters {
    std::vector<Meter> meters;
    std::vector<double> before;

public:
    explicit Meters(std::vector<Meter> of) : meters(of) {}
    void begin()
    {
        before.clear();
        for (const Meter &meter : meters)
            before.push_back(meter.total());
    }
    void write(Output &out) const
    {
        for (size_t k = 0; k < meters.size(); k++) {
            const double spent = meters[k].total() - before[k];
            out.array(&spent, 1);
        }
    }
};

// The network's own steps, the drive, and what is kept. A line for each percent on stdout.
inline void run_network(const std::vector<Step> &objects, Clock &clock, int64_t settle,
                        int64_t steps, Drive &drive, const int32_t *spikespace, int32_t neurons,
                        SpikeFile &spikes, Meters &meters)
{
    const int64_t stride = std::max<int64_t>(1, (settle + steps) / 100);
    for (int64_t step = 0; step < settle + steps; step++) {
        if (step == settle)
            meters.begin();
        for (const Step object : objects)
            object();
        drive.step();
        if (step >= settle)
            spikes.record(step - settle, spikespace, neurons);
        clock.tick();
        if ((step + 1) % stride == 0) {
            std::printf("%.2f\n", (double)(step + 1) / (settle + steps));
            std::fflush(stdout);
        }
    }
}

} // namespace synsim

#endif
