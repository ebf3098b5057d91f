{# An object of a team: a part does its share in the block `share`; Brian2's own call finds the work done. #}
{% extends 'common_group.cpp' %}

{% block before_code %}
    void _run_{{ codeobj_name }}();
    synsim::team("{{ team.name }}").enlist(_run_{{ codeobj_name }});
{% endblock %}

{% block maincode %}
    const synsim::Share *const _share = synsim::Share::mine();
    if (!_share) {
        static synsim::Team &_team = synsim::team("{{ team.name }}");
        _team.turn(_run_{{ codeobj_name }});
        {% block done %}
        {% endblock %}
        return;
    }
    {{ team.copies(scalar_code, vector_code)|autoindent }}
    // scalar code
    const size_t _vectorisation_idx = -1;
    {{ team.own(scalar_code)|autoindent }}
    {% block share %}
    {% endblock %}
{% endblock %}
