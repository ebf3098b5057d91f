// Spikes on their way to the synapses of one pathway.
//
// What is queued is not every synapse that a spike will reach but the stretch of them that it reaches at one
// time. Synapses are divided into parts, one for each thread. A part owns, as on a chessboard,
// the synapses from one block of sources to one block of partners (the neurons at their other end), from the next
// block of sources to the next block of partners, and so on. So all parts have to do for every
// spike, of either side; a synapse that both a presynaptic and a postsynaptic pathway change stays with
// one part; and while sources of one block have their turn, no two parts change one partner.
// With one part, synapses are worked off in the order in which Brian2 itself would.
// Where parts own neurons (synsim_team.h), it is these that say which synapses are theirs, and each part
// has its own time.

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

// How synapses go with the neurons that parts own: by their source, by their partner, or, where all
// parts keep a copy of them, not at all. Owners: the part of each neuron.
struct Owners {
    const std::vector<int32_t> *of_sources, *of_partners;
    bool copies;
};

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
        size_t now = 0;                         // of the ring
        char apart[128];
    };
    std::vector<Part> parts;
    std::vector<int32_t> from_block, to_block; // of each source and each partner
    const std::vector<int32_t> *sources = nullptr, *partners = nullptr; // of each synapse
    int32_t start = 0, stop = 0;                                        // sources
    size_t slots = 1;                                                   // of the rings
    size_t blocks = 1;                                                  // of sources
    int32_t shortest = 0;                                               // delay
    double step = 0;
    bool many = false;   // enough is due for all threads to be called
    bool copies = false; // of all synapses in each part

    enum { AHEAD = 48 };
    enum { SHORT = 16, BEGINNING = 128 }; // synapses
    enum { APART = 32 }; // unused places, so that parts write to lines of memory of their own

public:
    // Divide the synapses; what is on its way stays on its way.
    //
    // delays : seconds, one for all or one of each synapse
    // from, to : sources and partners of the synapses; not copied
    template <typename Delay>
    void prepare(int32_t first_source, int32_t behind_source, const std::vector<Delay> &delays,
                 const std::vector<int32_t> &from, const std::vector<int32_t> &to, double dt,
                 int threads, const Owners *owners = nullptr)
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
        shortest = steps.empty() ? 0 : *std::min_element(steps.begin(), steps.end());
        slots = std::max<size_t>(longest + 1, waiting.size());
        divide(threads, owners);
        parts.assign(threads, Part());
        for (int part = 0; part < threads; part++) {
            arrange(parts[part], part, steps);
            parts[part].due.resize(slots * blocks + APART);
            parts[part].left.resize(slots * blocks + APART);
        }
        for (size_t slot = 0; slot < waiting.size(); slot++)
            for (const int32_t synapse : waiting[slot])
                for (int part = 0; part < threads; part++)
                    if (owns(part, synapse))
                        parts[part].left[slot * blocks + block_of(from[synapse])].push_back(synapse);
    }

    // A step has passed, and these neurons spike.
    void advance(const int32_t *spikes, int32_t count)
    {
        size_t synapses = 0;
        for (int number = 0; number < (int)parts.size(); number++) {
            begin_step(number);
            push(number, spikes, count, 0);
            const Part &part = parts[number];
            const size_t first = part.now * blocks;
            for (size_t place = first; place < first + blocks && threaded(); place++) {
                synapses += part.left[place].size();
                for (const int32_t k : part.due[place])
                    synapses += part.stretches[k].end - part.stretches[k].begin;
            }
        }
        many = threaded() && synapses >= SYNSIM_FEW;
    }

    // A step has passed for one part.
    void begin_step(int number)
    {
        Part &part = parts[number];
        part.now = part.now + 1 < slots ? part.now + 1 : 0;
    }

    // These neurons spike, in a step that is so many behind the part's; their delay is no shorter.
    void push(int number, const int32_t *spikes, int32_t count, int32_t behind)
    {
        Part &part = parts[number];
        const int32_t *begin = std::lower_bound(spikes, spikes + count, start);
        const int32_t *end = std::lower_bound(begin, spikes + count, stop);
        for (const int32_t *spike = begin; spike < end; spike++) {
            const int32_t source = *spike - start;
            for (int32_t k = part.first[source]; k < part.first[source + 1]; k++) {
                const size_t slot = part.now + part.stretches[k].delay - behind;
                const size_t place = (slot < slots ? slot : slot - slots) * blocks;
                part.due[place + block_of(*spike)].push_back(k);
            }
        }
    }

    int32_t shortest_delay() const { return shortest; } // steps
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
        const int32_t last = (int32_t)part.order.size() - 1, all = (int32_t)partners->size();
        const size_t each = blocks / all_turns, now = part.now;
        for (size_t block = turn * each; block < (turn + 1) * each; block++) {
            for (const int32_t synapse : part.left[now * blocks + block])
                work(synapse, (*sources)[synapse], partner[synapse]);
            part.left[now * blocks + block].clear();
            const std::vector<int32_t> &due = part.due[now * blocks + block];
            for (size_t place = 0; place < due.size(); place++) {
                const Stretch stretch = part.stretches[due[place]];
                if (part.order.empty()) {
                    // What lies side by side is fetched by the processor itself, once it has begun.
                    if (place + 1 < due.size()) {
                        const int32_t next = part.stretches[due[place + 1]].begin;
                        for (int32_t k = 0; k < BEGINNING; k += 16)
                            __builtin_prefetch(partner + next + k);
                        for (int32_t k = 0; k < BEGINNING; k += 8)
                            soon(std::min(next + k, all - 1));
                    }
                    for (int32_t synapse = stretch.begin; synapse < stretch.end; synapse++)
                        work(synapse, stretch.source, partner[synapse]);
                    continue;
                }
                for (int32_t k = stretch.begin; k < stretch.end; k++) {
                    soon(order[std::min<int32_t>(k + AHEAD, last)].synapse);
                    work(order[k].synapse, stretch.source, order[k].partner);
                }
            }
            part.due[now * blocks + block].clear();
        }
    }

private:
    bool threaded() const { return parts.size() > 1; }

    // The place in the rings for a source's block.
    size_t block_of(int32_t source) const { return blocks > 1 ? from_block[source] : 0; }

    bool owns(int32_t part, size_t synapse) const { return copies || owner(synapse) == part; }

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
            if (copies && &part != &parts[0])
                continue;
            for (size_t place = 0; place < slots * blocks; place++) {
                const size_t ahead = (place / blocks + slots - part.now) % slots;
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
    void divide(int threads, const Owners *owners)
    {
        parts.assign(threads, Part());
        copies = owners && owners->copies;
        if (owners) {
            blocks = 1;
            from_block = owners->of_sources ? *owners->of_sources : none(*sources);
            to_block = owners->of_partners ? *owners->of_partners : none(*partners);
            return;
        }
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

    // One block for all.
    static std::vector<int32_t> none(const std::vector<int32_t> &neurons)
    {
        const bool any = !neurons.empty();
        return std::vector<int32_t>(any ? *std::max_element(neurons.begin(), neurons.end()) + 1 : 0);
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
            if (owns(number, k))
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
                if (owns(number, k))
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
        renumber(part);
        part.stretches.shrink_to_fit();
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

    // Where synapses lie side by side, in stretches that are made shorter if need be but not
    // short, these are said by the synapses' own numbers.
    static void renumber(Part &part)
    {
        const std::vector<Place> &order = part.order;
        if (order.empty())
            return;
        const auto breaks = [&](const Stretch &stretch, int32_t place) {
            return place + 1 == stretch.end || order[place].synapse + 1 != order[place + 1].synapse;
        };
        size_t runs = 0;
        for (const Stretch &stretch : part.stretches)
            for (int32_t place = stretch.begin; place < stretch.end; place++)
                runs += breaks(stretch, place);
        if (runs > part.stretches.size() && runs * SHORT > order.size())
            return;
        std::vector<Stretch> cut;
        std::vector<int32_t> first;
        for (size_t source = 0; source + 1 < part.first.size(); source++) {
            first.push_back((int32_t)cut.size());
            for (int32_t k = part.first[source]; k < part.first[source + 1]; k++) {
                const Stretch &stretch = part.stretches[k];
                int32_t begin = stretch.begin;
                for (int32_t place = stretch.begin; place < stretch.end; place++)
                    if (breaks(stretch, place)) {
                        const int32_t synapse = order[begin].synapse;
                        cut.push_back({synapse, synapse + place + 1 - begin, stretch.delay,
                                       stretch.source});
                        begin = place + 1;
                    }
            }
        }
        first.push_back((int32_t)cut.size());
        part.stretches.swap(cut);
        part.first.swap(first);
        std::vector<Place>().swap(part.order);
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
