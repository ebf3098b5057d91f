// Reads a run's data, steps the network, keeps what was asked for, writes it.
//
// Brian2 writes seed, duration and spikes into its C++ as literals; here they are data. The loop
// is the network's own, less the call to std::clock() at every step.

#ifndef SYNSIM_RUN_H
#define SYNSIM_RUN_H

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace synsim {

inline void fail(const std::string &what)
{
    std::fprintf(stderr, "%s\n", what.c_str());
    std::exit(3);
}

class Input {
    std::FILE *file;

public:
    explicit Input(const std::string &path) : file(std::fopen(path.c_str(), "rb"))
    {
        if (!file)
            fail("cannot open " + path);
    }
    ~Input() { std::fclose(file); }

    template <typename T> void array(T *to, size_t count)
    {
        if (count && std::fread(to, sizeof(T), count, file) != count)
            fail("input ends early");
    }
    template <typename T> void vector(std::vector<T> &to) { array(to.data(), to.size()); }
    template <typename T> T number()
    {
        T value;
        array(&value, 1);
        return value;
    }
    void spikes(std::vector<int32_t> &bins, std::vector<int32_t> &sources, int32_t *next)
    {
        const size_t count = (size_t)number<int64_t>();
        bins.resize(count);
        sources.resize(count);
        vector(bins);
        vector(sources);
        next[0] = 0;
    }
};

class Output {
    std::FILE *file;
    std::string path;

public:
    explicit Output(const std::string &to) : file(std::fopen(to.c_str(), "wb")), path(to)
    {
        if (!file)
            fail("cannot write " + path);
    }
    template <typename T> void array(const T *from, size_t count)
    {
        if (count && std::fwrite(from, sizeof(T), count, file) != count)
            fail("cannot write " + path + ": is the disk full?");
    }
    template <typename T> void vector(const std::vector<T> &from)
    {
        array(from.data(), from.size());
    }
    void close()
    {
        if (std::fclose(file) != 0)
            fail("cannot write " + path + ": is the disk full?");
    }
};

// Keeps states of the synapses that a pathway has just worked on.
class Recorder {
    SynapticPathway &pathway;
    std::vector<std::function<double(int)>> states;
    std::vector<int64_t> steps;
    std::vector<int32_t> copies;
    std::vector<std::vector<double>> values;

public:
    Recorder(SynapticPathway &of, std::vector<std::function<double(int)>> read)
        : pathway(of), states(read), values(read.size())
    {
    }
    void record(int64_t step)
    {
        for (const int index : *pathway.peek()) {
            steps.push_back(step);
            copies.push_back(index);
            for (size_t k = 0; k < states.size(); k++)
                values[k].push_back(states[k](index));
        }
    }
    void write(Output &out) const
    {
        const int64_t count = (int64_t)steps.size();
        out.array(&count, 1);
        out.vector(steps);
        out.vector(copies);
        for (const std::vector<double> &column : values)
            out.vector(column);
    }
};

// Keeps a value of all cells at the ends of the time steps that are asked for.
class Sampler {
    const double *const values;
    const size_t count;
    std::vector<int64_t> steps;
    size_t next = 0;
    std::vector<double> kept;

public:
    Sampler(Input &input, const double *of, size_t size)
        : values(of), count(size), steps((size_t)input.number<int64_t>())
    {
        input.vector(steps);
        kept.reserve(steps.size() * count);
    }
    void sample(int64_t step)
    {
        if (next == steps.size() || steps[next] != step)
            return;
        kept.insert(kept.end(), values, values + count);
        next++;
    }
    void write(Output &out) const { out.vector(kept); }
};

typedef void (*Step)();

// Stands in for a thresholder that would look at every neuron at every step: a neuron becomes due
// only by an input, and fires at the next step.
class Firing {
    const int32_t *due;
    int32_t *spikes;
    int size;
    std::vector<SynapticPathway *> inputs;
    std::vector<int32_t> touched;

public:
    const Step instead_of;

    Firing(Step thresholder, const int32_t *is_due, int32_t *spikespace, int neurons,
           std::vector<SynapticPathway *> pathways)
        : due(is_due), spikes(spikespace), size(neurons), inputs(pathways), instead_of(thresholder)
    {
    }
    void fire()
    {
        std::sort(touched.begin(), touched.end());
        touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
        int32_t count = 0;
        for (const int32_t neuron : touched)
            if (due[neuron] > 0)
                spikes[count++] = neuron;
        spikes[size] = count;
        touched.clear();
    }
    void remember()
    {
        for (SynapticPathway *pathway : inputs)
            for (const int index : *pathway->peek())
                touched.push_back(index);
    }
};

// One line a percent on stdout, for a progress bar.
inline void run(const std::vector<std::pair<Step, Recorder *>> &objects, Clock &clock,
                int64_t steps, Firing *firing, Sampler *sampler)
{
    const int64_t stride = std::max<int64_t>(1, steps / 100);
    for (int64_t step = 0; step < steps; step++) {
        for (const auto &object : objects) {
            if (firing && object.first == firing->instead_of)
                firing->fire();
            else
                object.first();
            if (object.second)
                object.second->record(step);
        }
        if (firing)
            firing->remember();
        if (sampler)
            sampler->sample(step);
        clock.tick();
        if ((step + 1) % stride == 0 && steps > 1000000) {
            std::printf("%.2f\n", (double)(step + 1) / steps);
            std::fflush(stdout);
        }
    }
}

} // namespace synsim

#endif
