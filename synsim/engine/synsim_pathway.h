// Spikes on their way to the synapses of one pathway.
//
// What is queued is not every synapse that a spike will reach but the stretch of them that it reaches at one
// time. Synapses are divided into parts, one for each thread. A part owns, as on a chessboard,
// the synapses from one block of sources to one block of partners (the neurons at their other end), from the next
// block of sources to the next block of partners, and so on. So all parts have to do for every
// spike, of either side; a synapse that both a presynaptic and a postsynaptic pathway change stays with
// one part; and while sources of one block have their turn, no two parts change one partner.
// With one part, synapses are worked off in the order in which Brian2 itself would.

#ifndef SYNSIM_PATHWAY_H
#define SYNSIM_PATHWAY_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "synsim_random.h"

// Below this many synapses, threads cost more than they save (two cores, 2 to 10 ns a synapse).
#ifndef SYNSIM_FEW
#define SYNSIM_FEW 1000
#endif

namespace synsim {

class Pathway {
    // Synapses of one source with one delay: places in a part's order.
    struct Stretch {
        int32_t begin, end, delay, source;
    };
    // A synapse of a part, and its partner beside it: they lie far apart in memory.
    struct Place {
        int32_t synapse, partner;
    };
    struct Part {
        std::vector<Place> order;       // empty where places are the numbers of synapses
        std::vector<Stretch> stretches; // by source, then by delay
        std::vector<int32_t> first;     // of each source and behind the last, among the stretches
        // By the step at which they arrive, a ring, and by the block of their source:
        std::vector<std::vector<int32_t>> due;  // stretches
        std::vector<std::vector<int32_t>> left; // synapses that waited when a run began
    };
    std::vector<Part> parts;
    std::vector<int32_t> from_block, to_block; // of each source and each partner
    const std::vector<int32_t> *sources = nullptr, *partners = nullptr; // of each synapse
    int32_t start = 0, stop = 0;                                        // sources
    size_t now = 0, slots = 1;                                          // of the rings
    size_t blocks = 1;                                                  // of sources
    double step = 0;
    bool many = false; // enough is due for all threads to be called

    enum { AHEAD = 48 };

public:
    // Divide the synapses; what is on its way stays on its way.
    //
    // delays : seconds, one for all or one of each synapse
    // from, to : sources and partners of the synapses; not copied
    template <typename Delay>
    void prepare(int32_t first_source, int32_t behind_source, const std::vector<Delay> &delays,
                 const std::vector<int32_t> &from, const std::vector<int32_t> &to, double dt,
                 int threads)
    {
        const std::vector<std::vector<int32_t>> waiting = take_waiting(dt);
        sources = &from;
        partners = &to;
        start = first_source;
        stop = behind_source;
        step = dt;
        std::vector<int32_t> steps(delays.size());
        for (size_t k = 0; k < delays.size(); k++)
            steps[k] = (int32_t)(delays[k] / dt + 0.5);
        const int32_t longest = steps.empty() ? 0 : *std::max_element(steps.begin(), steps.end());
        now = 0;
        slots = std::max<size_t>(longest + 1, waiting.size());
        divide(threads);
        parts.assign(threads, Part());
        for (int part = 0; part < threads; part++) {
            arrange(parts[part], part, steps);
            parts[part].due.resize(slots * blocks);
            parts[part].left.resize(slots * blocks);
        }
        for (size_t slot = 0; slot < waiting.size(); slot++)
            for (const int32_t synapse : waiting[slot])
                parts[owner(synapse)].left[slot * blocks + from_block[from[synapse]]].push_back(
                    synapse);
    }

    // A step has passed, and these neurons spike.
    void advance(const int32_t *spikes, int32_t count)
    {
        now = now + 1 < slots ? now + 1 : 0;
        const int32_t *begin = std::lower_bound(spikes, spikes + count, start);
        const int32_t *end = std::lower_bound(begin, spikes + count, stop);
        size_t synapses = 0;
        for (Part &part : parts) {
            for (const int32_t *spike = begin; spike < end; spike++) {
                const int32_t source = *spike - start;
                for (int32_t k = part.first[source]; k < part.first[source + 1]; k++) {
                    const size_t slot = now + part.stretches[k].delay;
                    const size_t place = (slot < slots ? slot : slot - slots) * blocks;
                    part.due[place + from_block[*spike]].push_back(k);
                }
            }
            for (size_t place = now * blocks; place < (now + 1) * blocks && threaded(); place++) {
                synapses += part.left[place].size();
                for (const int32_t k : part.due[place])
                    synapses += part.stretches[k].end - part.stretches[k].begin;
            }
        }
        many = threaded() && synapses >= SYNSIM_FEW;
    }

    int count() const { return (int)parts.size(); }
    bool worth_threads() const { return many; }
    // How often all parts have to work, each time on the sources of other blocks.
    int turns(bool partners_change) const { return partners_change ? (int)blocks : 1; }

    // The synapses of a part at which spikes arrive now, with their source and partner, in one of so many
    // turns; `soon` is told of those that come a little later, where they do not lie side by side.
    template <typename Work, typename Soon>
    void deliver(int number, int turn, int all_turns, Work work, Soon soon)
    {
        Part &part = parts[number];
        const WordsOfPart words(number);
        const int32_t *partner = partners->data();
        const Place *order = part.order.data();
        const int32_t last = (int32_t)part.order.size() - 1;
        const size_t each = blocks / all_turns;
        for (size_t block = turn * each; block < (turn + 1) * each; block++) {
            for (const int32_t synapse : part.left[now * blocks + block])
                work(synapse, (*sources)[synapse], partner[synapse]);
            part.left[now * blocks + block].clear();
            for (const int32_t k : part.due[now * blocks + block]) {
                const Stretch stretch = part.stretches[k];
                if (part.order.empty()) {
                    for (int32_t synapse = stretch.begin; synapse < stretch.end; synapse++)
                        work(synapse, stretch.source, partner[synapse]);
                    continue;
                }
                for (int32_t place = stretch.begin; place < stretch.end; place++) {
                    soon(order[std::min<int32_t>(place + AHEAD, last)].synapse);
                    work(order[place].synapse, stretch.source, order[place].partner);
                }
            }
            part.due[now * blocks + block].clear();
        }
    }

private:
    bool threaded() const { return parts.size() > 1; }

    // The part of a synapse.
    int32_t owner(size_t synapse) const
    {
        const int32_t both = from_block[(*sources)[synapse]] + to_block[(*partners)[synapse]];
        return both < (int32_t)parts.size() ? both : both - (int32_t)parts.size();
    }

    // Synapses on their way, by how many steps of `dt` are left.
    std::vector<std::vector<int32_t>> take_waiting(double dt)
    {
        std::vector<std::vector<int32_t>> waiting;
        const double longer = step > 0 ? step / dt : 1;
        for (Part &part : parts) {
            for (size_t place = 0; place < slots * blocks; place++) {
                const size_t ahead = (place / blocks + slots - now) % slots;
                std::vector<int32_t> found = part.left[place];
                for (const int32_t k : part.due[place]) {
                    const Stretch &stretch = part.stretches[k];
                    for (int32_t at = stretch.begin; at < stretch.end; at++)
                        found.push_back(part.order.empty() ? at : part.order[at].synapse);
                }
                if (found.empty())
                    continue;
                const size_t later = (size_t)(ahead * longer + 0.5);
                if (waiting.size() <= later)
                    waiting.resize(later + 1);
                waiting[later].insert(waiting[later].end(), found.begin(), found.end());
            }
        }
        return waiting;
    }

    // Which block each source and each partner is in. Where connections are such that parts would
    // be of different size (neuron k to neuron k, say), only partners are divided.
    void divide(int threads)
    {
        parts.assign(threads, Part());
        to_block = divided(*partners, threads);
        from_block = divided(*sources, threads);
        std::vector<size_t> synapses(threads, 0);
        for (size_t k = 0; k < sources->size(); k++)
            synapses[owner(k)]++;
        blocks = threads;
        if (*std::max_element(synapses.begin(), synapses.end()) * threads >
            1.2 * sources->size()) {
            from_block.assign(from_block.size(), 0);
            blocks = 1;
        }
    }

    // Blocks of neighbours with about as many synapses each.
    std::vector<int32_t> divided(const std::vector<int32_t> &neurons, int threads) const
    {
        const int32_t last =
            neurons.empty() ? 0 : *std::max_element(neurons.begin(), neurons.end());
        std::vector<int64_t> synapses((size_t)std::max(last + 1, stop), 0);
        for (const int32_t neuron : neurons)
            synapses[neuron]++;
        std::vector<int32_t> block(synapses.size(), 0);
        int64_t before = 0;
        for (size_t neuron = 0; neuron < synapses.size() && !neurons.empty(); neuron++) {
            const int64_t found = before * threads / (int64_t)neurons.size();
            block[neuron] = (int32_t)std::min<int64_t>(found, threads - 1);
            before += synapses[neuron];
        }
        return block;
    }

    void arrange(Part &part, int32_t number, const std::vector<int32_t> &steps) const
    {
        const std::vector<int32_t> &from = *sources, &to = *partners;
        const size_t neurons = stop - start;
        std::vector<int32_t> place(neurons + 1, 0);
        bool in_place = true; // the part's synapses are all there are, in the order of their sources
        for (size_t k = 0; k < from.size(); k++) {
            if (owner(k) == number)
                place[from[k] - start + 1]++;
            else
                in_place = false;
            in_place = in_place && (k == 0 || from[k - 1] <= from[k]);
        }
        for (size_t source = 0; source < neurons; source++)
            place[source + 1] += place[source];
        const bool equal = steps.size() <= 1 ||
                           std::all_of(steps.begin(), steps.end(),
                                       [&](int32_t delay) { return delay == steps[0]; });
        if (!in_place || !equal) {
            part.order.resize(place[neurons]);
            std::vector<int32_t> next(place.begin(), place.end() - 1);
            for (size_t k = 0; k < from.size(); k++)
                if (owner(k) == number)
                    part.order[next[from[k] - start]++] = {(int32_t)k, to[k]};
        }
        part.first.assign(1, 0);
        for (size_t k = 0; k < neurons; k++) {
            const int32_t begin = place[k], end = place[k + 1], source = start + (int32_t)k;
            if (equal && begin < end)
                part.stretches.push_back({begin, end, steps[0], source});
            if (!equal)
                by_delay(part, begin, end, steps, source);
            part.first.push_back((int32_t)part.stretches.size());
        }
        part.stretches.shrink_to_fit();
        renumber(part);
    }

    static void by_delay(Part &part, int32_t begin, int32_t end, const std::vector<int32_t> &steps,
                         int32_t source)
    {
        Place *order = part.order.data();
        std::stable_sort(order + begin, order + end, [&](const Place &a, const Place &b) {
            return steps[a.synapse] < steps[b.synapse];
        });
        for (int32_t place = begin; place < end; place++) {
            const int32_t delay = steps[order[place].synapse];
            if (place == begin || part.stretches.back().delay != delay)
                part.stretches.push_back({place, place, delay, source});
            part.stretches.back().end = place + 1;
        }
    }

    // Where the synapses of every stretch lie side by side, it is said by their own numbers.
    static void renumber(Part &part)
    {
        std::vector<Place> &order = part.order;
        if (order.empty())
            return;
        for (const Stretch &stretch : part.stretches)
            for (int32_t place = stretch.begin; place + 1 < stretch.end; place++)
                if (order[place].synapse + 1 != order[place + 1].synapse)
                    return;
        for (Stretch &stretch : part.stretches) {
            const int32_t length = stretch.end - stretch.begin;
            stretch.begin = order[stretch.begin].synapse;
            stretch.end = stretch.begin + length;
        }
        std::vector<Place>().swap(order);
    }
};

// A template, so that all sources of a program find the same ones.
template <int unused> struct Pathways {
    static std::map<std::string, Pathway> named;
};
template <int unused> std::map<std::string, Pathway> Pathways<unused>::named;

inline Pathway &pathway(const char *name) { return Pathways<0>::named[name]; }

} // namespace synsim

#endif
