{# The first object of every step: all parts of a team work through a window where one begins. #}
{% extends 'common_group.cpp' %}

{% block before_code %}
    synsim::team("{{ team.name }}").gather({{ openmp_pragma('get_num_threads') }}, { {{ team.neurons|join(', ') }} });
{% endblock %}

{% block maincode %}
    static synsim::Team &_team = synsim::team("{{ team.name }}");
    _team.work();
{% endblock %}
