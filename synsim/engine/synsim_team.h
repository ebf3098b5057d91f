// Threads that own neurons, and work through several time steps before they meet.
//
// A part of a network has neurons of every group and the synapses onto them. What a part needs
// from others are their spikes, and these arrive after a delay: for as many steps as the shortest
// delay lasts, the window, every part can go on by itself. At the first step of a window, all
// parts work through all of it, each on a thread of its own; while Brian2 then goes from step to step, its objects
// find their work done, and each step's spikes are laid out for whoever looks at them: monitors, and
// the pathways, which queue them for the windows to come. Where a delay is 0 there is no window: parts meet
// at the beginning of each step, and once more when its spikes are known.
//
// State that belongs to a source (synsim/terminals.py) is read by all parts, at different times. Each part
// keeps a copy and brings it forward itself, which costs once a spike, not once a synapse; the first
// part's copy is Brian2's own array.
//
// Parts begin where a line of memory does, since a line that two threads write to travels between them
// at every step; so arrays have to begin there as well.

#ifndef SYNSIM_TEAM_H
#define SYNSIM_TEAM_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "synsim_pathway.h"
#include "synsim_random.h"

// All sources of a program define it, and one is taken; what it returns is freed as ever.
#if defined(__GNUC__) && !defined(_WIN32)
__attribute__((weak)) void *operator new(std::size_t bytes)
{
    void *found = nullptr;
    if (bytes < 512)
        found = std::malloc(bytes ? bytes : 1);
    else if (posix_memalign(&found, 64, bytes))
        found = nullptr;
    if (!found)
        throw std::bad_alloc();
    return found;
}
#endif

namespace synsim {

class Team;

struct Span {
    int32_t begin, end;
};

// Spikes, one step after the other.
struct Spikes {
    std::vector<int32_t> neurons;
    std::vector<int32_t> behind; // those of each step

    void clear()
    {
        neurons.clear();
        behind.clear();
    }
    void end_step() { behind.push_back((int32_t)neurons.size()); }
    int32_t steps() const { return (int32_t)behind.size(); }
    const int32_t *begin(int32_t step) const
    {
        return neurons.data() + (step > 0 ? behind[step - 1] : 0);
    }
    int32_t count(int32_t step) const
    {
        return behind[step] - (step > 0 ? behind[step - 1] : 0);
    }
};

// The part that a thread works on, and the step that it has come to.
struct Share {
    Team *team;
    int part;
    int32_t at;   // step of the window
    int64_t step; // of the clock
    double t;     // seconds

    // Of this thread; null when Brian2 calls.
    static Share *&mine()
    {
        static thread_local Share *share = nullptr;
        return share;
    }
    const std::vector<Span> &ranges(int group) const;
    Spikes &spikes(int group) const;
    template <typename T> T *copy(int number, T *own) const;
};

class Team {
    // Of one part, in lines of memory of its own: what another thread has just written is slow to read.
    struct Fired {
        Spikes spikes;
        char apart[128];
    };
    struct Neurons {
        int32_t count;
        std::vector<int32_t> owner;             // of each neuron: a part
        std::vector<std::vector<Span>> ranges; // of each part
        std::vector<Fired> fired;               // by each part, in this window
    };
    // Spikes of all parts, or of neurons that no part owns, since parts last took them in.
    struct Log {
        const int32_t *now, *count; // of Brian2's step
        Spikes spikes;
    };
    struct Route {
        Pathway *pathway;
        size_t log;
    };
    std::vector<Neurons> groups;
    std::vector<Log> logs;
    std::vector<Route> routes; // by which these get to synapses
    std::vector<std::function<void(const Team &)>> preparations;
    std::vector<void (*)()> objects; // in the order in which Brian2 calls them
    size_t exchange = 0;             // the first object that needs the spikes of others
    std::vector<std::vector<std::vector<uint64_t>>> copies; // by number, by part
    std::vector<std::function<void(std::vector<std::vector<uint64_t>> &)>> copying;
    int parts = 1;
    int32_t window = 0;          // steps; 0: spikes arrive in the step in which they are fired
    int64_t begun = 0, done = 0; // first step of the window, and behind its last
    int64_t logged = 0;          // first step of the logs
    int64_t last = 0;            // behind the run's last step
    const int64_t *now = nullptr;
    double dt = 0;
    bool prepared = true, started = false;

    enum { LONGEST = 256 }; // window
    enum { RANGES = 2 };    // of neurons of each part, about
    enum { APART = 32 }; // unused places, so that parts write to lines of memory of their own

public:
    // --- before a run -----------------------------------------------------------------------

    // `end`: the step behind the run's last.
    void gather(int threads, const std::vector<int32_t> &neurons, const int64_t *clock, double step,
                int64_t end)
    {
        *this = Team();
        prepared = false;
        parts = threads;
        now = clock;
        dt = step;
        last = end;
        groups.resize(neurons.size());
        for (size_t k = 0; k < neurons.size(); k++)
            groups[k].count = neurons[k];
    }

    void enlist(void (*object)()) { objects.push_back(object); }

    // A pathway, how it is prepared once neurons are divided, and the spikes that it needs of others.
    void enlist(void (*object)(), std::function<void(const Team &)> prepare,
                Pathway *pathway = nullptr, const int32_t *spikes = nullptr,
                const int32_t *count = nullptr)
    {
        if (preparations.empty())
            exchange = objects.size();
        objects.push_back(object);
        preparations.push_back(prepare);
        if (!pathway)
            return;
        size_t log = 0;
        while (log < logs.size() && logs[log].now != spikes)
            log++;
        if (log == logs.size())
            logs.push_back({spikes, count, {}});
        routes.push_back({pathway, log});
    }

    // An array of which every part has a copy, made when the first step begins.
    template <typename T> void copy(const std::vector<T> &own)
    {
        copying.push_back([&own](std::vector<std::vector<uint64_t>> &all) {
            for (std::vector<uint64_t> &mine : all) {
                mine.resize(own.size() * sizeof(T) / 8 + 1 + APART);
                std::memcpy(mine.data(), own.data(), own.size() * sizeof(T));
            }
        });
    }

    // All have enlisted.
    void prepare()
    {
        if (prepared)
            return;
        prepared = true;
        for (Neurons &group : groups)
            divide(group);
        for (const std::function<void(const Team &)> &prepare : preparations)
            prepare(*this);
        window = LONGEST;
        for (const Route &route : routes)
            window = std::min(window, route.pathway->shortest_delay());
        for (Neurons &group : groups)
            make_room(group);
    }

    int threads() const { return parts; }
    const std::vector<int32_t> *owners(int group) const { return &groups[group].owner; }

    // --- at every step ----------------------------------------------------------------------

    // A step of Brian2's begins.
    void work()
    {
        if (started && *now < done)
            return;
        if (!started)
            begin();
        if (*now >= last) // Brian2 rounds the length of a run in two ways
            last = *now + 1;
        begun = *now;
        done = std::min<int64_t>(begun + std::max(window, 1), last);
        work_through(0, window > 0 ? objects.size() : exchange);
        log_from(begun);
    }

    // Brian2 calls an object, whose work is done. At the first that needs the spikes of others, these
    // are known.
    void turn(void (*object)())
    {
        if (object != objects[exchange])
            return;
        for (Log &log : logs) {
            std::vector<int32_t> &neurons = log.spikes.neurons;
            neurons.insert(neurons.end(), log.now, log.now + *log.count);
            log.spikes.end_step();
        }
        if (window == 0) {
            work_through(exchange, objects.size());
            log_from(*now + 1);
        } else if (*now == last - 1) {
            for (int part = 0; part < parts; part++)
                take_in(part, last - 1);
            log_from(last);
        }
    }

    // Spikes of Brian2's step, as it keeps them; returns their number.
    int32_t present(int group, int32_t *spikes) const
    {
        const int32_t at = (int32_t)(*now - begun);
        int32_t count = 0;
        for (const Fired &part : groups[group].fired) {
            const int32_t *begin = part.spikes.begin(at);
            std::copy(begin, begin + part.spikes.count(at), spikes + count);
            count += part.spikes.count(at);
        }
        std::sort(spikes, spikes + count);
        return count;
    }

private:
    friend struct Share;

    void begin()
    {
        started = true;
        copies.assign(copying.size(), std::vector<std::vector<uint64_t>>(parts));
        for (size_t number = 0; number < copying.size(); number++)
            copying[number](copies[number]);
    }

    // All parts call these objects, for all steps of the window.
    void work_through(size_t first, size_t behind)
    {
        const int32_t steps = (int32_t)(done - begun);
#ifdef _OPENMP
#pragma omp parallel for schedule(static, 1) num_threads(parts)
#endif
        for (int part = 0; part < parts; part++) {
            const WordsOfPart words(part);
            take_in(part, begun - 1);
            if (first == 0)
                for (Neurons &group : groups)
                    group.fired[part].spikes.clear();
            Share share = {this, part, 0, 0, 0.0};
            Share::mine() = &share;
            for (int32_t at = 0; at < steps; at++) {
                share.at = at;
                share.step = begun + at;
                share.t = (double)share.step * dt;
                for (size_t k = first; k < behind; k++)
                    objects[k]();
            }
            Share::mine() = nullptr;
        }
    }

    // Parts have taken in what was logged; logs go on with this step.
    void log_from(int64_t step)
    {
        for (Log &log : logs)
            log.spikes.clear();
        logged = step;
    }

    // Queue the spikes of the logs for a part that has come to the end of step `reached`.
    void take_in(int part, int64_t reached) const
    {
        for (const Route &route : routes) {
            const Spikes &spikes = logs[route.log].spikes;
            for (int32_t k = 0; k < spikes.steps(); k++)
                route.pathway->push(part, spikes.begin(k), spikes.count(k),
                                    (int32_t)(reached - logged) - k);
        }
    }

    void make_room(Neurons &group) const
    {
        group.fired.assign(parts, Fired());
        for (Fired &part : group.fired) {
            part.spikes.neurons.reserve(1024);
            part.spikes.behind.reserve(LONGEST);
        }
    }

    // Neurons that are neighbours tend to be alike: to have as many synapses, to fire as often. So each part
    // has several ranges, whose order is that of Thue and Morse: 0 1 1 0 1 0 0 1 for two parts.
    // Sums over a part's ranges are then equal for whatever rises along the group as a polynomial of low order.
    void divide(Neurons &group) const
    {
        int32_t line = 64; // bytes, and neurons of a flag
        while (line > 1 && group.count < 4 * parts * line)
            line /= 2;
        const int32_t lines = (group.count + line - 1) / line;
        const int32_t length = line * std::max(1, (lines + RANGES * parts - 1) / (RANGES * parts));
        group.owner.assign(group.count, 0);
        group.ranges.assign(parts, std::vector<Span>());
        for (int32_t begin = 0, number = 0; begin < group.count; begin += length, number++) {
            int part = 0;
            for (int32_t digits = number; digits > 0; digits /= parts)
                part += digits % parts;
            part %= parts;
            const int32_t end = std::min(begin + length, group.count);
            group.ranges[part].push_back({begin, end});
            std::fill(group.owner.begin() + begin, group.owner.begin() + end, part);
        }
    }
};

inline const std::vector<Span> &Share::ranges(int group) const
{
    return team->groups[group].ranges[part];
}

inline Spikes &Share::spikes(int group) const { return team->groups[group].fired[part].spikes; }

template <typename T> T *Share::copy(int number, T *own) const
{
    return part == 0 ? own : (T *)team->copies[number][part].data();
}

// A template, so that all sources of a program find the same ones.
template <int unused> struct Teams {
    static std::map<std::string, Team> named;
};
template <int unused> std::map<std::string, Team> Teams<unused>::named;

inline Team &team(const char *name) { return Teams<0>::named[name]; }

// Before a run, when all objects have enlisted.
inline void prepare_teams()
{
    for (std::pair<const std::string, Team> &named : Teams<0>::named)
        named.second.prepare();
}

} // namespace synsim

#endif
