{# The statements of a pathway, `_code`, at the synapses of one part where spikes arrive now. #}
_pathway.deliver(_part, _turn, _turns,
    [&](const size_t _idx, const int32_t _source, const int32_t _partner) {
        const size_t _vectorisation_idx = _idx;
        {{ _code|autoindent }}
    },
    [&](const size_t _idx) {
        {% for array in scattered %}
        __builtin_prefetch({{ get_array_name(array) }} + _idx, 1);
        {% endfor %}
    });
