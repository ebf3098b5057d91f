{# The statements of a pathway at the synapses where spikes arrive: in place of Brian2's templates
   `synapses` and `synapses_push_spikes`. #}
{% extends 'common_synapses.cpp' %}

{# USES_VARIABLES { _synaptic_pre, _synaptic_post, delay, _source_dt } #}
{% set _mine = 'synsim::pathway("' + pathway.name + '")' %}
{% set _source_of = get_array_name(pathway.synapse_sources) + '[_idx]' %}
{% set _partner_of = get_array_name(pathway.synapse_targets) + '[_idx]' %}
{% set _code = vector_code|join('\n')|replace(_source_of, '_source')|replace(_partner_of, '_partner') %}

{% block before_code %}
    {{ _mine }}.prepare({{ pathway.spikes_start }}, {{ pathway.spikes_stop }},
        {{ get_array_name(variables['delay'], access_data=False) }},
        {{ get_array_name(pathway.synapse_sources, access_data=False) }},
        {{ get_array_name(pathway.synapse_targets, access_data=False) }},
        {{ _source_dt }}, {{ openmp_pragma('get_num_threads') }});
{% endblock %}

{% block maincode %}
    static synsim::Pathway &_pathway = {{ _mine }};
    {% set _eventspace = get_array_name(variables[pathway.eventspace_name]) %}
    _pathway.advance({{ _eventspace }}, {{ _eventspace }}[_num{{ pathway.eventspace_name }} - 1]);
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{ scalar_code|autoindent }}
    const int _turns = _pathway.turns({{ 'true' if partners_change else 'false' }});
    {% if openmp_pragma('with_openmp') %}
    #pragma omp parallel if(_pathway.worth_threads())
    {% endif %}
    for (int _turn = 0; _turn < _turns; _turn++) {
        {{ openmp_pragma('static') }}
        for (int _part = 0; _part < _pathway.count(); _part++) {
            {% include 'synsim_deliver.cpp' %}
        }
    }
{% endblock %}
